/** EXPLAIN output that no server of the corpus prints: the incident's, extensions', damaged, hostile. */
import { maxTextLength, parseQueryPlan } from "../../src/core/query-plan/parse.ts";
import { maxDepth } from "../../src/core/query-plan/query-plan.ts";
import { QueryPlanError } from "../../src/core/query-plan/query-plan-error.ts";
import { incident } from "./incident.ts";

describe("the incident's EXPLAIN", () => {
  it("is read as the story has it: wrapped, not indented, digits grouped", () => {
    const { root, ...rest } = parseQueryPlan(incident.after);
    expect(rest).toEqual({ planningTimeMs: 0.312, executionTimeMs: 38312.914, settings: new Map(), hasActuals: true });
    expect(root).toMatchObject({
      nodeType: "Seq Scan",
      relation: { schema: null, name: "orders", alias: "orders" },
      cost: { startup: 0, total: 312847.23, rows: 18, width: 412 },
      actual: { startupMs: 0.041, totalMs: 38312.847, rows: 18, loops: 1 },
      rowsRemovedByFilter: 2299982,
      properties: new Map([["Filter", "((user_id = 10482) AND ((status)::text <> 'deleted'::text))"]]),
    });
  });

  it("is the same however it is wrapped", () => {
    const plan = parseQueryPlan(incident.after);
    const wrapped = incident.after.replace(" rows=18 width", "\nrows=18 width").replace(" AND ", " AND\n  ");
    expect(parseQueryPlan(wrapped)).toEqual(plan);
  });
});

it("a tree keeps its shape", () => {
  const text = `
Nested Loop
  InitPlan 1 (returns $0)
    ->  Seq Scan on a
  ->  Seq Scan on b
        SubPlan 2
          ->  Seq Scan on c
  ->  Index Scan Backward using "I" on d dd
        Index Cond: (x = $0)`;
  const { root } = parseQueryPlan(text);
  const outline = (node: typeof root): unknown => [
    node.relation?.name ?? node.nodeType,
    node.subplanName,
    node.children.map(outline),
  ];
  expect(outline(root)).toEqual([
    "Nested Loop",
    null,
    [
      ["a", "InitPlan 1 (returns $0)", []],
      ["b", null, [["c", "SubPlan 2", []]]],
      ["d", null, []],
    ],
  ]);
  expect(root.children[2]).toMatchObject({ index: "I", scanDirection: "Backward", alias: "dd" });
});

describe("what extensions and settings add", () => {
  it("a Custom Scan with and without a table", () => {
    const json = (node: object) => [{ Plan: { "Node Type": "Custom Scan", ...node } }];
    expect(parseQueryPlan("Custom Scan (ChunkAppend) on metrics m  (cost=0.00..1.00 rows=1 width=4)")).toEqual(
      parseQueryPlan(
        json({
          "Custom Plan Provider": "ChunkAppend",
          "Relation Name": "metrics",
          Alias: "m",
          "Startup Cost": 0,
          "Total Cost": 1,
          "Plan Rows": 1,
          "Plan Width": 4,
        }),
      ),
    );
    expect(parseQueryPlan("Custom Scan (Citus Adaptive)\n  Task Count: 32")).toEqual(
      parseQueryPlan(json({ "Custom Plan Provider": "Citus Adaptive", "Task Count": 32 })),
    );
  });

  it("JIT's lines", () => {
    const plain = "Seq Scan on a  (cost=0.00..1.00 rows=1 width=4)\n";
    const jit =
      "JIT:\n  Functions: 4\n  Options: Inlining false, Optimization false\n  Timing: Generation 0.6 ms, Total 8.5 ms\n";
    expect(parseQueryPlan(plain + jit)).toEqual(parseQueryPlan(plain));
  });

  it("a hypothetical index of HypoPG", () => {
    const text = 'Index Scan using "<13542>btree_orders_user_id" on orders';
    expect(parseQueryPlan(text).root.index).toBe("<13542>btree_orders_user_id");
  });

  it("settings whose values hold quotes and commas", () => {
    const { settings } = parseQueryPlan(`Result\nSettings: search_path = '"$user", 'x', y', work_mem = '1MB'`);
    expect([...settings]).toEqual([
      ["search_path", `"$user", 'x', y`],
      ["work_mem", "1MB"],
    ]);
  });

  it("auto_explain's JSON, and a prototype's name", () => {
    const json =
      '{"Query Text": "SELECT 1", "__proto__": {"Plan": 1}, "Plan": {"Node Type": "Result", "__proto__": {"Alias": "x"}}}';
    expect(parseQueryPlan(json)).toEqual(parseQueryPlan("Result"));
    expect(parseQueryPlan('Seq Scan on "__proto__" "constructor"').root.relation).toEqual({
      schema: null,
      name: "__proto__",
      alias: "constructor",
    });
  });
});

describe("refused, with the place and what is expected", () => {
  it.each([
    ["nothing", "", "empty", null],
    ["white space", " \n\t\n", "empty", null],
    ["a header alone", " QUERY PLAN\n------------\n(0 rows)\n", "empty", null],
    ["prose", "the plan looks fine to me", "not-explain-output", 1],
    ["SQL", "SELECT * FROM orders", "unknown-node-type", 1],
    ["XML", '<explain xmlns="http://www.postgresql.org/2009/explain">', "unsupported-format", null],
    ["YAML", '- Plan: \n    Node Type: "Result"', "unsupported-format", null],
    ["a node of the future", "Quantum Scan on orders", "unknown-node-type", 1],
    ["a scan of nothing", "Seq Scan", "not-explain-output", 1],
    ["a join on a table", "Hash Join on orders", "not-explain-output", 1],
    ["an index scan without its index", "Index Scan on orders", "not-explain-output", 1],
    ["a damaged cost", "Seq Scan on a  (cost=0.00..x rows=1 width=4)", "not-explain-output", 1],
    ["digits grouped at random", "Seq Scan on a  (cost=0.00..1,23 rows=1 width=4)", "not-explain-output", 1],
    ["a damaged count", "Seq Scan on a\n  Rows Removed by Filter: many", "not-explain-output", 2],
    ["the first line missing", "  ->  Seq Scan on a", "not-explain-output", 1],
    ["the rest missing", "Limit\n  ->  Sort", "not-explain-output", null],
    ["half a join", "Hash Join\n  ->  Seq Scan on a", "not-explain-output", null],
    ["a string without end", "Seq Scan on a\n  Filter: (b = 'x)\n", "not-explain-output", 2],
    ["lost indentation", "Limit\n->  Seq Scan on a", "not-explain-output", 2],
    ["lost indentation of one node", "Append\n  ->  Seq Scan on a\n   ->  Seq Scan on b", "not-explain-output", 3],
    ["prose in between", "Seq Scan on a\nlooks good\n  Filter: (b)", "not-explain-output", 2],
    ["a subplan without its node", "Seq Scan on a\n  SubPlan 1", "not-explain-output", 2],
    [
      "two plans",
      "Seq Scan on a  (cost=0.00..1.00 rows=1 width=4)\nSeq Scan on b  (cost=0.00..1.00 rows=1 width=4)",
      "several-plans",
      2,
    ],
    [
      "a node after the end",
      "Limit\n  ->  Seq Scan on a\nExecution Time: 1.0 ms\n  ->  Seq Scan on b",
      "not-explain-output",
      4,
    ],
    ["a condition after the end", "Seq Scan on a\nPlanning Time: 1.0 ms\n  Filter: (b)", "not-explain-output", 3],
    ["damaged JSON", '[{"Plan": ', "not-explain-output", null],
    ["no plan", "[]", "not-explain-output", null],
    ["an inherited plan", Object.create({ Plan: { "Node Type": "Result" } }), "not-explain-output", null],
    ["null", null, "not-explain-output", null],
    ["a number", 7, "not-explain-output", null],
    ["undefined", undefined, "not-explain-output", null],
    ["another array", [1], "not-explain-output", null],
    ["a plan that is none", [{ Plan: "Seq Scan" }], "not-explain-output", null],
    ["a node without type", [{ Plan: {} }], "not-explain-output", null],
    ["an unknown type", [{ Plan: { "Node Type": "toString" } }], "unknown-node-type", null],
    ["a cost in words", [{ Plan: { "Node Type": "Result", "Total Cost": "low" } }], "not-explain-output", null],
    ["half of the costs", [{ Plan: { "Node Type": "Result", "Total Cost": 1 } }], "not-explain-output", null],
    ["children that are none", [{ Plan: { "Node Type": "Limit", Plans: [null] } }], "not-explain-output", null],
    [
      "two plans in JSON",
      [{ Plan: { "Node Type": "Result" } }, { Plan: { "Node Type": "Result" } }],
      "several-plans",
      null,
    ],
    ["a scan of nothing in JSON", [{ Plan: { "Node Type": "Seq Scan" } }], "not-explain-output", null],
  ])("%s", (_name, input, code, line) => {
    expect(errorOf(input)).toMatchObject({ code, line });
  });

  it("the message says where and what", () => {
    expect(errorOf("Seq Scan on a\nlooks good").message).toBe(
      'query plan: line 2: "looks good": not a line of EXPLAIN\'s text; give its output alone and unchanged',
    );
    expect(
      errorOf([{ Plan: { "Node Type": "Limit", Plans: [{ "Node Type": "Result", "Plan Rows": "x" }] } }]).message,
    ).toBe("query plan: Plan.Plans[0].Plan Rows: Invalid input: expected number, received string");
  });
});

describe("large input", () => {
  const deepText = (levels: number) =>
    [
      "Limit",
      ...Array.from({ length: levels - 2 }, (_, n) => `${" ".repeat(n * 6 + 2)}->  Limit`),
      `${" ".repeat(levels * 6)}->  Result`,
    ].join("\n");
  const deepJson = (levels: number) =>
    `{"Plan":${'{"Node Type":"Limit","Plans":['.repeat(levels - 1)}{"Node Type":"Result"}${"]}".repeat(levels - 1)}}`;

  it(`${maxDepth} levels are read, alike from text and JSON`, () => {
    expect(depthOf(parseQueryPlan(deepText(maxDepth)).root)).toBe(maxDepth);
    expect(depthOf(parseQueryPlan(deepJson(maxDepth)).root)).toBe(maxDepth);
  });

  it.each([maxDepth + 1, 10_000])("%i levels are too deep", (levels) => {
    if (levels < 2000) expect(errorOf(deepText(levels)).code).toBe("too-deep");
    expect(errorOf(deepJson(levels)).code).toBe("too-deep");
    expect(errorOf(JSON.parse(deepJson(levels))).code).toBe("too-deep");
  });

  it.each([
    ["nodes", `Append\n${"  ->  Seq Scan on orders_p1 orders_1  (cost=0.00..1.00 rows=1 width=4)\n".repeat(26_000)}`],
    ["one name", `Seq Scan on "${'a""'.repeat(600_000)}"`],
    ["one condition", `Seq Scan on a\n  Filter: ${"(".repeat(600_000)}x${")".repeat(600_000)}`],
  ])("2 MB of %s are read", (_name, text) => {
    expect(parseQueryPlan(text).root.nodeType).toBeDefined();
  });

  it("a longer text is too large", () => {
    expect(errorOf(`Seq Scan on a${" ".repeat(maxTextLength)}`).code).toBe("too-large");
  });

  it.each([
    ["blanks", `Seq Scan on a${" ".repeat(2_000_000)}x`],
    ["opening parentheses", `Seq Scan on a\n  Filter: ${"(\n".repeat(600_000)}`],
    ["costs", `Seq Scan on a ${"(cost=0.00..1.00 rows=1 width=4) ".repeat(60_000)}`],
    ["digits", `Seq Scan on a  (cost=0.00..${"1".repeat(2_000_000)}x rows=1 width=4)`],
    ["settings", `Result\nSettings: ${"a = 'b, ".repeat(200_000)}`],
    ["dashes", `QUERY PLAN\n${"-".repeat(2_000_000)}x`],
    ["words", `Seq Scan on a\n${"Seq ".repeat(500_000)}`],
    ["one name without end", `Seq Scan on a."${'""'.repeat(900_000)}b`],
    ["points", `Seq Scan on ${"a.".repeat(900_000)}`],
    ["commas", `Seq Scan on a\n  Rows Removed by Filter: ${"1,000".repeat(400_000)}`],
    ["quotes", `Seq Scan on ${'"'.repeat(2_000_001)}`],
  ])("2 MB of %s are refused at once", (_name, text) => {
    expect(errorOf(text).code).toMatch(/not-explain-output|unknown-node-type/);
  });
});

function errorOf(input: unknown): QueryPlanError {
  try {
    parseQueryPlan(input);
  } catch (error) {
    if (error instanceof QueryPlanError) return error;
    throw error;
  }
  throw new Error("was read");
}

function depthOf(root: { children: readonly unknown[] }): number {
  let depth = 0;
  for (let level: readonly unknown[] = [root]; level.length > 0; depth++) {
    level = level.flatMap((node) => (node as typeof root).children);
  }
  return depth;
}

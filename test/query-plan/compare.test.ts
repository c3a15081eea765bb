import { type ComparisonOptions, comparePlans, describeFlip } from "../../src/core/query-plan/compare.ts";
import { parseQueryPlan } from "../../src/core/query-plan/parse.ts";
import { incident } from "./incident.ts";

const sizes = (rows: Record<string, number>): ComparisonOptions["tableRows"] => {
  const known = new Map(Object.entries(rows));
  return ({ name }) => known.get(name) ?? null;
};
const unknown = sizes({});

function compare(before: string, after: string, tableRows = unknown) {
  const options = { maxCostRatio: 2, smallTableRows: 1000, tableRows };
  return comparePlans(parseQueryPlan(before), parseQueryPlan(after), options);
}

const flips = (before: string, after: string, tableRows = unknown) =>
  compare(before, after, tableRows).flips.map((flip) => `${flip.kind}: ${describeFlip(flip)}`);

describe("the incident", () => {
  const comparison = compare(incident.before, incident.after);

  it("flips from the index to 2.3 million rows, which the plan itself proves", () => {
    expect(comparison).toMatchObject({ comparable: true, reason: null, costExceeded: true });
    expect(comparison.flips).toEqual([
      {
        kind: "index-to-sequential",
        alias: "orders",
        relation: { schema: null, name: "orders", alias: "orders" },
        partitions: [],
        indexes: ["idx_orders_user_id_ca"],
        before: "Index Scan Backward",
        after: "Seq Scan",
        size: { rows: 2_300_000, atLeast: false },
      },
    ]);
  });

  it("is told in one line", () => {
    expect(comparison.flips.map(describeFlip)).toEqual([
      "orders: Index Scan Backward using idx_orders_user_id_ca → Seq Scan over 2,300,000 rows",
    ]);
  });

  it("costs 4,179 times as much", () => {
    expect(comparison.costRatio).toBeCloseTo(4178.5, 1);
  });

  it("is fine the other way round", () => {
    expect(compare(incident.after, incident.before)).toMatchObject({
      comparable: true,
      flips: [],
      costExceeded: false,
    });
  });
});

const index = "Index Scan using i on orders\n  Index Cond: (user_id = 1)";
const seq = "Seq Scan on orders\n  Filter: (user_id = 1)";

describe("what is a sequential scan instead of an index", () => {
  const bitmap =
    "Bitmap Heap Scan on orders\n  ->  BitmapAnd\n        ->  Bitmap Index Scan on i\n        ->  Bitmap Index Scan on j";
  const parallel = "Gather\n  Workers Planned: 2\n  ->  Parallel Seq Scan on orders\n        Filter: (user_id = 1)";
  const unknownRows = "over an unknown number of rows";
  it.each([
    ["an index scan", index, seq, `orders: Index Scan using i → Seq Scan ${unknownRows}`],
    [
      "an index only scan",
      "Index Only Scan using i on orders",
      seq,
      `orders: Index Only Scan using i → Seq Scan ${unknownRows}`,
    ],
    ["bitmaps", bitmap, seq, `orders: Bitmap Heap Scan using i, j → Seq Scan ${unknownRows}`],
    ["a parallel scan", index, parallel, `orders: Index Scan using i → Parallel Seq Scan ${unknownRows}`],
    [
      "an extension's scan",
      index,
      "Custom Scan (ColumnarScan) on orders",
      `orders: Index Scan using i → Custom Scan (ColumnarScan) ${unknownRows}`,
    ],
    [
      "with a schema on one side",
      index,
      "Seq Scan on public.orders\n  Filter: (user_id = 1)",
      `public.orders: Index Scan using i → Seq Scan ${unknownRows}`,
    ],
  ])("%s", (_name, before, after, message) => {
    expect(flips(before, after)).toEqual([`index-to-sequential: ${message}`]);
  });

  it("names the bitmaps' indexes, not those of a subplan's", () => {
    const subplan = "  SubPlan 1\n    ->  Bitmap Heap Scan on x\n          ->  Bitmap Index Scan on k";
    expect(
      compare(`Bitmap Heap Scan on orders\n  ->  Bitmap Index Scan on i\n${subplan}`, seq).flips[0]?.indexes,
    ).toEqual(["i"]);
  });

  it.each([
    ["the same index", index, index],
    ["another index", index, "Index Scan using other on orders\n  Index Cond: (user_id = 1)"],
    ["a bitmap of another index", index, bitmap],
    ["a sequential scan all along", seq, parallel],
    ["an index gained", seq, index],
    ["a scan by row identifier", index, "Tid Scan on orders"],
  ])("not: %s", (_name, before, after) => {
    expect(compare(before, after)).toMatchObject({ comparable: true, flips: [] });
  });
});

describe("how large the table is", () => {
  const unfiltered = (rows: number) => `Seq Scan on orders  (cost=0.00..9.00 rows=${rows} width=4)`;
  const executed = (rows: number, removed: number) =>
    `Seq Scan on orders  (cost=0.00..9.00 rows=1 width=4) (actual rows=${rows} loops=1)\n  Filter: (a)\n  Rows Removed by Filter: ${removed}`;
  const below = (node: string, scan: string) => `${node}\n  ->  ${scan.replaceAll("\n", "\n      ")}`;
  const parallel = (filter: string) =>
    `Gather  (cost=0.00..9.00 rows=1 width=4)\n  Workers Planned: 2\n  ->  Parallel Seq Scan on orders  (cost=0.00..9.00 rows=1000 width=4)${filter}`;
  it.each([
    ["known, at the bound", seq, sizes({ orders: 1000 }), "1,000 rows"],
    ["known, below it", seq, sizes({ orders: 999 }), null],
    ["known to be empty", seq, sizes({ orders: 0 }), null],
    ["unknown counts as large", seq, unknown, "an unknown number of rows"],
    ["nonsense counts as unknown", seq, sizes({ orders: Number.NaN }), "an unknown number of rows"],
    ["estimated, large", unfiltered(1000), unknown, "1,000 rows"],
    ["estimated, small", unfiltered(999), unknown, null],
    ["a filtered estimate says nothing", `${unfiltered(1)}\n  Filter: (a)`, unknown, "an unknown number of rows"],
    ["executed, large", executed(18, 2_299_982), unknown, "2,300,000 rows"],
    ["executed, small", executed(1, 2), unknown, null],
    ["executed, larger than the statistics know", executed(1, 5000), sizes({ orders: 3 }), "5,001 rows"],
    ["under a Sort it was read to the end", below("Limit", below("Sort", executed(1, 2))), unknown, null],
    ["under a LIMIT it may have stopped early", below("Limit", executed(1, 2)), unknown, "at least 3 rows"],
    [
      "in a subplan it may have stopped early",
      `Result\n  InitPlan 1\n    ->  ${executed(1, 2).replaceAll("\n", "\n      ")}`,
      unknown,
      "at least 3 rows",
    ],
    ["never executed", "Seq Scan on orders (never executed)\n  Filter: (a)", unknown, "an unknown number of rows"],
    ["workers share an estimate", parallel(""), unknown, "2,400 rows"],
    [
      "workers share the work",
      parallel(" (actual rows=10 loops=3)\n        Filter: (a)\n        Rows Removed by Filter: 990"),
      unknown,
      "3,000 rows",
    ],
  ])("%s", (_name, after, tableRows, size) => {
    const expected = size === null ? [] : [expect.stringMatching(new RegExp(`Seq Scan over ${size}$`))];
    expect(flips(index, after, tableRows)).toEqual(expected);
  });

  it("is asked for with the schema, where EXPLAIN names it", () => {
    const asked: unknown[] = [];
    const tableRows = (table: unknown) => asked.push(table);
    compare("Index Scan using i on sales.orders o", "Seq Scan on sales.orders o", tableRows);
    expect(asked[0]).toEqual({ schema: "sales", name: "orders" });
  });
});

describe("relations are told apart by alias", () => {
  const join = (a: string, b: string) => `Nested Loop\n  ->  ${a}\n  ->  ${b}`;
  const scan = (alias: string, method: "index" | "seq") =>
    method === "index" ? `Index Scan using i on orders ${alias}` : `Seq Scan on orders ${alias}`;
  it.each([
    [
      "one side of a self-join",
      join(scan("a", "index"), scan("b", "index")),
      join(scan("a", "index"), scan("b", "seq")),
      ["b"],
    ],
    [
      "the other side, joined in the other order",
      join(scan("a", "index"), scan("b", "index")),
      join(scan("b", "index"), scan("a", "seq")),
      ["a"],
    ],
    ["both", join(scan("a", "index"), scan("b", "index")), join(scan("a", "seq"), scan("b", "seq")), ["a", "b"]],
    ["swapped methods", join(scan("a", "index"), scan("b", "seq")), join(scan("a", "seq"), scan("b", "index")), ["a"]],
    [
      "only the order of the join changes",
      join(scan("a", "index"), scan("b", "seq")),
      join(scan("b", "seq"), scan("a", "index")),
      [],
    ],
    [
      "one alias twice: nothing changes",
      join(scan("a", "index"), scan("a", "seq")),
      join(scan("a", "seq"), scan("a", "index")),
      [],
    ],
    [
      "one alias twice: one flips",
      join(scan("a", "index"), scan("a", "index")),
      join(scan("a", "seq"), scan("a", "index")),
      ["a"],
    ],
    ["numbered anew", scan("a", "index"), scan("a_1", "seq"), ["a_1"]],
    [
      "tables named alike in two schemas",
      join("Index Scan using i on x.t", "Seq Scan on y.t"),
      join("Seq Scan on x.t", "Index Scan using i on y.t"),
      ["t"],
    ],
    [
      "a prototype's name",
      "Index Scan using i on __proto__ constructor",
      "Seq Scan on __proto__ constructor",
      ["constructor"],
    ],
  ])("%s", (_name, before, after, aliases) => {
    expect(compare(before, after).flips.map(({ alias }) => alias)).toEqual(aliases);
  });
});

describe("partitions", () => {
  const append = (...scans: string[]) => ["Append", ...scans.map((scan) => `  ->  ${scan}`)].join("\n");
  const before = append(...[1, 2, 3].map((n) => `Index Scan using orders_p${n}_idx on orders_p${n} orders_${n}`));
  const after = append(...[1, 2, 3].map((n) => `Seq Scan on orders_p${n} orders_${n}`));

  it("of one parent are one flip", () => {
    expect(flips(before, after, sizes({ orders_p1: 500, orders_p2: 500, orders_p3: 500 }))).toEqual([
      "index-to-sequential: orders (partitions orders_p1, orders_p2, orders_p3): Index Scan using orders_p1_idx, orders_p2_idx, orders_p3_idx → Seq Scan over 1,500 rows",
    ]);
  });

  it("of one parent are small only together", () => {
    expect(flips(before, after, sizes({ orders_p1: 300, orders_p2: 300, orders_p3: 300 }))).toEqual([]);
    expect(flips(before, after, sizes({ orders_p1: 300, orders_p2: 300 }))).toHaveLength(1);
  });

  it("keep their names where the alias says nothing about a parent", () => {
    const union = (scan: string) => append(`${scan} on a`, `${scan} on b`);
    expect(flips(union("Index Scan using i"), union("Seq Scan"), sizes({ a: 5000, b: 5000 }))).toEqual([
      "index-to-sequential: a: Index Scan using i → Seq Scan over 5,000 rows",
      "index-to-sequential: b: Index Scan using i → Seq Scan over 5,000 rows",
    ]);
  });

  it("that are pruned in one of the plans do not disturb", () => {
    const one = "Seq Scan on orders_p2 orders";
    expect(flips(before, one, sizes({ orders_p2: 5000 }))).toEqual([
      "index-to-sequential: orders_p2 as orders: Index Scan using orders_p2_idx → Seq Scan over 5,000 rows",
    ]);
  });
});

describe("order under a LIMIT", () => {
  const chain = (...nodes: string[]) =>
    nodes.map((node, n) => (n === 0 ? node : `${" ".repeat(n * 6 - 4)}->  ${node}`)).join("\n");
  const ordered = chain("Limit", "Index Scan using i on orders");
  const other = "Index Scan using j on orders";
  const lost = (sort: string) => [`lost-order: orders: order under LIMIT from Index Scan using i → ${sort}`];
  it.each([
    [
      "a Sort",
      ordered,
      chain("Limit", "Sort\n        Sort Key: created_at DESC", other),
      lost("Sort by created_at DESC"),
    ],
    ["an Incremental Sort", ordered, chain("Limit", "Incremental Sort", other), lost("Incremental Sort")],
    [
      "a Sort of bitmaps",
      ordered,
      chain("Limit", "Sort", "Bitmap Heap Scan on orders", "Bitmap Index Scan on j"),
      lost("Sort"),
    ],
    [
      "a Sort that workers do",
      ordered,
      chain("Limit", "Gather Merge", "Sort", "Parallel Index Scan using j on orders"),
      lost("Sort"),
    ],
    [
      "a full Sort instead of an incremental one",
      chain("Limit", "Incremental Sort", "Index Scan using i on orders"),
      chain("Limit", "Sort", other),
      lost("Sort"),
    ],
    [
      "the order of groups",
      chain("Limit", "GroupAggregate", "Index Scan using i on orders"),
      chain("Limit", "Sort", "HashAggregate", other),
      lost("Sort"),
    ],
    ["also on a small table", ordered, chain("Limit", "Sort", "Seq Scan on orders"), lost("Sort")],
    ["the order stays", ordered, chain("Limit", other), []],
    ["sorted all along", chain("Limit", "Sort", "Index Scan using i on orders"), chain("Limit", "Sort", other), []],
    [
      "an incremental sort all along",
      chain("Limit", "Incremental Sort", other),
      chain("Limit", "Incremental Sort", other),
      [],
    ],
    ["no LIMIT", "Index Scan using i on orders", chain("Sort", other), []],
    [
      "the index is read for a count",
      chain("Limit", "Aggregate", "Index Scan using i on orders"),
      chain("Limit", "Aggregate", "Sort", other),
      [],
    ],
    [
      "the LIMIT is in a subplan",
      "Result\n  InitPlan 1\n    ->  Limit\n          ->  Index Scan using i on orders",
      "Result\n  InitPlan 1\n    ->  Limit\n          ->  Sort\n                ->  Index Scan using j on orders",
      lost("Sort"),
    ],
    [
      "the LIMIT is outside the subplan",
      "Limit\n  ->  Result\n        SubPlan 1\n          ->  Index Scan using i on orders",
      "Limit\n  ->  Sort\n        ->  Result\n              SubPlan 1\n                ->  Index Scan using j on orders",
      [],
    ],
  ])("%s", (_name, before, after, expected) => {
    expect(flips(before, after, sizes({ orders: 10 }))).toEqual(expected);
  });

  it("belongs to the outer side of a join", () => {
    const before =
      "Limit\n  ->  Nested Loop\n        ->  Index Scan using i on orders\n        ->  Index Scan using k on users";
    const after =
      "Limit\n  ->  Sort\n        ->  Nested Loop\n              ->  Index Scan using j on orders\n              ->  Index Scan using k on users";
    expect(flips(before, after)).toEqual(lost("Sort"));
  });

  it("of partitions is one flip", () => {
    const scan = (n: number) => `Index Scan using i${n} on orders_p${n} orders_${n}`;
    const before = `Limit\n  ->  Merge Append\n        ->  ${scan(1)}\n        ->  ${scan(2)}`;
    const after = `Limit\n  ->  Sort\n        ->  Append\n              ->  ${scan(3).replaceAll("3", "1")}\n              ->  ${scan(2)}`;
    expect(flips(before, after)).toEqual([
      "lost-order: orders (partitions orders_p1, orders_p2): order under LIMIT from Index Scan using i1, i2 → Sort",
    ]);
  });

  it("is not told twice of a table that is read sequentially", () => {
    expect(flips(ordered, chain("Limit", "Sort", "Seq Scan on orders"))).toEqual([
      "index-to-sequential: orders: Index Scan using i → Seq Scan over an unknown number of rows",
    ]);
  });
});

describe("a join that was removed before and is not any more", () => {
  const joinRemoved = "Seq Scan on orders";
  const joined = (users: string) => `Hash Left Join\n  ->  Seq Scan on orders\n  ->  Hash\n        ->  ${users}`;
  it("is a flip when it reads a large table sequentially", () => {
    expect(flips(joinRemoved, joined("Seq Scan on users"), sizes({ users: 10_000 }))).toEqual([
      "newly-read: users: not read → Seq Scan over 10,000 rows",
    ]);
    expect(flips(joinRemoved, joined("Seq Scan on users"), sizes({ users: 10 }))).toEqual([]);
    expect(flips(joinRemoved, joined("Index Scan using k on users"))).toEqual([]);
  });

  it("is none the other way round", () => {
    expect(compare(joined("Seq Scan on users"), joinRemoved)).toMatchObject({ comparable: true, flips: [] });
  });
});

it.each([
  ["other tables", index, "Seq Scan on users", "the plan before reads orders and the one after reads users instead"],
  [
    "one other table",
    "Nested Loop\n  ->  Seq Scan on a\n  ->  Seq Scan on b",
    "Nested Loop\n  ->  Seq Scan on a\n  ->  Seq Scan on c",
    "the plan before reads b and the one after reads c instead",
  ],
  ["no table any more", index, "Result", "only the plan before reads a table (orders)"],
  ["no table before", "Result", seq, "only the plan after reads a table (orders)"],
])("plans of two different queries cannot be compared: %s", (_name, before, after, reason) => {
  expect(compare(before, after)).toMatchObject({ comparable: false, reason });
});

it("plans that read no table can be compared", () => {
  expect(compare("Result", "Result")).toMatchObject({ comparable: true, reason: null });
});

describe("costs", () => {
  const plan = (cost: string) => `Seq Scan on a  (cost=0.00..${cost} rows=1 width=4)`;
  it.each([
    ["doubled is still allowed", "10.00", "20.00", 2, false],
    ["more is not", "10.00", "20.01", 2.001, true],
    ["cheaper", "10.00", "1.00", 0.1, false],
    ["nothing before", "0.00", "5.00", 500, true],
    ["nothing at all", "0.00", "0.00", 1, false],
  ])("%s", (_name, before, after, costRatio, costExceeded) => {
    expect(compare(plan(before), plan(after))).toMatchObject({ costRatio: expect.closeTo(costRatio, 6), costExceeded });
  });

  it("are not known with COSTS OFF", () => {
    expect(compare("Seq Scan on a", plan("10.00"))).toMatchObject({ costRatio: null, costExceeded: false });
  });
});

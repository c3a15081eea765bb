/** The pure parts: what parameters stand for, which values they get, which queries are explained, what plans must not show. */
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { type ColumnValues, parameterSets } from "../../src/core/workload/parameter-sets.ts";
import { type ParameterUse, parameterUses } from "../../src/core/workload/parameter-uses.ts";
import { readQueryText, withConstants } from "../../src/core/workload/query-text.ts";
import { redactPlan } from "../../src/core/workload/redact-plan.ts";
import { selectQueries } from "../../src/core/workload/select-queries.ts";

beforeAll(loadGrammar);

function read(text: string) {
  const result = readQueryText(text);
  if (!result.ok) throw new Error(result.reason);
  return result.query;
}

const shown = (use: ParameterUse) =>
  "column" in use ? `${use.kind} ${use.column.relations[0]?.name ?? "?"}.${use.column.column}` : use.kind;

test.each([
  ["SELECT * FROM orders WHERE user_id = $1", ["equal orders.user_id"]],
  ["SELECT * FROM orders WHERE $1 = user_id", ["equal orders.user_id"]],
  ["SELECT * FROM orders WHERE user_id = $1::bigint", ["equal orders.user_id"]],
  ["SELECT * FROM orders WHERE lower(email) = $1", ["equal orders.email"]],
  [
    "SELECT * FROM orders o JOIN users u ON u.id = o.user_id WHERE u.email = $1 AND o.status = $2",
    ["equal users.email", "equal orders.status"],
  ],
  ["SELECT * FROM orders WHERE status IN ($1, $2)", ["equal orders.status", "equal orders.status"]],
  ["SELECT * FROM orders WHERE status = ANY ($1)", ["array orders.status"]],
  ["SELECT * FROM orders WHERE status <> ALL ($1)", ["unknown"]],
  [
    "SELECT * FROM orders WHERE created_at BETWEEN $1 AND $2",
    ["lower-bound orders.created_at", "upper-bound orders.created_at"],
  ],
  [
    "SELECT * FROM orders WHERE created_at >= $1 AND $2 > created_at",
    ["lower-bound orders.created_at", "upper-bound orders.created_at"],
  ],
  [
    "SELECT * FROM orders WHERE (created_at, id) < ($1, $2)",
    ["upper-bound orders.created_at", "upper-bound orders.id"],
  ],
  ["SELECT * FROM orders WHERE note LIKE $1", ["pattern orders.note"]],
  ["SELECT * FROM orders WHERE created_at > now() - $1::interval", ["unknown"]],
  ["SELECT * FROM orders WHERE data ->> $1 = $2", ["unknown", "equal orders.data"]],
  ["SELECT * FROM orders WHERE $1 IS NULL OR user_id = $1", ["equal orders.user_id"]],
  ["SELECT $1, user_id FROM orders ORDER BY created_at LIMIT $2 OFFSET $3", ["output", "limit", "offset"]],
  ["SELECT count(*) FILTER (WHERE status = $1) FROM orders GROUP BY date_trunc($2, created_at)", ["output", "output"]],
  ["UPDATE orders SET status = $1 WHERE id = $2", ["output", "equal orders.id"]],
  ["INSERT INTO orders (id, status) VALUES ($1, $2)", ["output", "output"]],
  ["DELETE FROM orders WHERE id IN (SELECT id FROM old WHERE year = $1)", ["equal orders.year"]],
  [
    // Of several relations the server takes the first that has statistics: a CTE has none.
    "WITH mine AS (SELECT * FROM orders WHERE user_id = $1) SELECT * FROM mine WHERE total > $2",
    ["equal mine.user_id", "lower-bound mine.total"],
  ],
  ["SELECT id FROM a WHERE x = $1 UNION SELECT id FROM b WHERE y = $2 LIMIT $3", ["equal a.x", "equal a.y", "limit"]],
])("%s", (text, expected) => {
  const query = read(text);
  expect(parameterUses(query.node, query.parameterCount).map(shown)).toEqual(expected);
});

const user: ColumnValues = {
  column: "public.orders.user_id",
  fewDistinct: false,
  mayBeRecorded: false,
  common: "7",
  rare: "4711",
  bounds: Array.from({ length: 101 }, (_, index) => String(index * 100)),
};
const status: ColumnValues = {
  ...user,
  column: "public.orders.status",
  fewDistinct: true,
  mayBeRecorded: true,
  common: "paid",
  rare: "lost",
  bounds: [],
};
const valuesOf = ({ column }: { column: string }) =>
  new Map([
    ["user_id", user],
    ["status", status],
  ]).get(column) ?? null;

function setsOf(text: string, types: string[] = []) {
  const query = read(text);
  return parameterSets(parameterUses(query.node, query.parameterCount), types, valuesOf);
}

test("values are common, rare, and those of an ordinary user; the labels of withheld ones tell which", () => {
  const result = setsOf("SELECT * FROM orders WHERE user_id = $1 AND status = $2 LIMIT $3");
  const label = (value: string) => ({ value, of: "public.orders.user_id" });
  expect(result).toEqual({
    ok: true,
    sets: [
      { name: "common", values: ["7", "paid", "20"], recorded: [label("common"), "paid", "20"], withheld: true },
      { name: "rare", values: ["4711", "lost", "20"], recorded: [label("rare"), "lost", "20"], withheld: true },
      { name: "typical", values: ["4711", "paid", "20"], recorded: [label("rare"), "paid", "20"], withheld: true },
    ],
  });
});

test.each([
  ["equal sets are one", "SELECT * FROM orders LIMIT $1", [], [["20"]]],
  ["a bound", "SELECT * FROM orders WHERE user_id > $1", [], [["1000"], ["9900"]]],
  [
    "a range",
    "SELECT * FROM orders WHERE user_id BETWEEN $1 AND $2",
    [],
    [
      ["1000", "9000"],
      ["5000", "5100"],
    ],
  ],
  ["an array", "SELECT * FROM orders WHERE status = ANY ($1)", [], [['{"paid"}'], ['{"lost"}']]],
  ["a pattern", "SELECT * FROM orders WHERE status LIKE $1", [], [["paid%"], ["lost%"]]],
  ["an interval", "SELECT * FROM orders WHERE created_at > now() - $1", ["interval"], [["1 day"]]],
])("values of %s", (_name, text, types, expected) => {
  const result = setsOf(text, types);
  expect(result.ok && result.sets.map(({ values }) => values)).toEqual(expected);
});

test.each([
  [
    "SELECT * FROM orders WHERE user_id = $1 AND secret = $2",
    "$2: there are no statistics of secret that this role may read",
  ],
  ["SELECT * FROM orders WHERE frobnicate($1)", "$1: nothing says which values it takes"],
])("no values: %s", (text, reason) => {
  expect(setsOf(text, ["integer", "text"])).toEqual({ ok: false, reason });
});

test.each([
  ["SELECT 1", "SELECT 1"],
  ["  /* a */ SELECT 1 ; -- b", "SELECT 1 "],
  ["PREPARE q AS SELECT 'größer' AS x FROM orders WHERE a = $1", "SELECT 'größer' AS x FROM orders WHERE a = $1"],
  [
    'PREPARE "AS" (numeric(4, 2), "my as") AS WITH x AS (SELECT 1) SELECT * FROM x',
    "WITH x AS (SELECT 1) SELECT * FROM x",
  ],
])("the query of: %s", (text, expected) => {
  expect(read(text).text).toBe(expected);
});

test.each([
  ["", "there is no statement"],
  ["SELECT 1; SELECT 2", "2 statements; a query is one statement"],
  ["SELECT 1 WHERE x = 'cut o", "it cannot be parsed: it is cut off, or its owner hides it"],
  ["<insufficient privilege>", "it cannot be parsed: it is cut off, or its owner hides it"],
  ["DECLARE c CURSOR FOR SELECT 1", "PostgreSQL prepares only SELECT, INSERT, UPDATE, DELETE and MERGE"],
])("no query: %s", (text, reason) => {
  expect(readQueryText(text)).toEqual({ ok: false, reason });
});

test("constants take the place of parameters, whatever stands before them", () => {
  const query = read("/* Größe */ SELECT 'größer' FROM orders WHERE a = $1 LIMIT $2 OFFSET $3;");
  expect(
    withConstants(
      query,
      new Map([
        [2, "'20'"],
        [3, "'0'"],
      ]),
    ),
  ).toBe("SELECT 'größer' FROM orders WHERE a = $1 LIMIT '20' OFFSET '0'");
});

test("queries are chosen by time until each table, and all of them together, are covered", () => {
  const query = (text: string, totalMs: number | null) => ({
    fingerprint: text,
    text,
    relations: [],
    totalMs,
    plans: [],
  });
  const [big, small, tiny, other, unknown] = [
    query("SELECT 1 FROM orders", 900),
    query("SELECT 2 FROM orders", 60),
    query("SELECT 3 FROM orders", 40),
    query("SELECT 4 FROM users", 1),
    query("SELECT 5 FROM users", null),
  ];
  const readers = [
    new Set([big, small, tiny].map(({ text }) => text)),
    new Set([other, unknown].map(({ text }) => text)),
  ];
  const choose = (queries: (typeof big)[], coverage = 0.95) => selectQueries(queries, readers, coverage);
  expect(choose([tiny, small, big])).toEqual({ chosen: [big, small], leftOut: [tiny] });
  expect(choose([tiny, small, big], 1)).toEqual({ chosen: [big, small, tiny], leftOut: [] });
  expect(choose([other, tiny, small, big, unknown])).toEqual({ chosen: [big, small, other, unknown], leftOut: [tiny] });
  expect(choose([query("SELECT 6 FROM orders", 0)]).leftOut).toEqual([]);
});

test("a plan shows no constants, and all of its structure", () => {
  const plan = [
    {
      Plan: {
        "Node Type": "Index Scan",
        "Index Name": "orders_2026_07",
        "Total Cost": 8.44,
        "Index Cond": "((email = 'jane@example.com'::text) AND (user_id = 4711))",
        "Sort Key": ["(lower(note) || ' x')"],
        Filter: "(body = 'it''s $1 at 9.99'::text)",
      },
      Settings: { work_mem: "64MB" },
    },
  ];
  expect(redactPlan(plan)).toEqual([
    {
      Plan: {
        "Node Type": "Index Scan",
        "Index Name": "orders_2026_07",
        "Total Cost": 8.44,
        "Index Cond": "((email = '?'::text) AND (user_id = '?'))",
        "Sort Key": ["(lower(note) || '?')"],
        Filter: "(body = '?'::text)",
      },
      Settings: { work_mem: "64MB" },
    },
  ]);
});

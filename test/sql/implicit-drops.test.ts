import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { analyze, catalog, noted } from "./support.ts";

beforeAll(loadGrammar);

const indexesOf = {
  orders: [
    "orders_pkey",
    "idx_orders_user_id",
    "idx_orders_user_id_ca",
    "idx_orders_lower",
    "idx_orders_open",
    "idx_orders_include",
    "idx_orders_generated",
  ],
};
/** What the statement takes with it, by name: "sales.totals_key", or "?" for indexes that the catalogue does not show. */
const cases: [sql: string, taken: string[]][] = [
  ["DROP TABLE orders", indexesOf.orders],
  ["DROP TABLE IF EXISTS public.orders CASCADE", [...indexesOf.orders, "idx_old_status", "sales.totals_key"]],
  ["DROP TABLE sales.orders", ["sales.idx_orders_user_id"]],
  ["DROP TABLE nowhere", ["?"]],
  ["DROP TABLE events", ["events_at_idx", "archive.events_2025_at_idx"]],
  ["DROP TABLE archive.events_2025", ["archive.events_2025_at_idx"]],
  ["DROP INDEX events_at_idx", ["events_at_idx", "archive.events_2025_at_idx"]],
  ["ALTER TABLE orders DROP COLUMN status", ["idx_orders_user_id_ca", "idx_orders_open", "idx_old_status"]],
  ["ALTER TABLE orders DROP COLUMN email", ["idx_orders_lower", "idx_orders_include"]],
  [
    "ALTER TABLE orders DROP COLUMN email CASCADE",
    ["idx_orders_lower", "idx_orders_include", "idx_orders_generated", "sales.totals_key"],
  ],
  ["ALTER TABLE orders DROP COLUMN nothing_uses", []],
  ["ALTER TABLE orders DROP CONSTRAINT orders_pkey", ["orders_pkey"]],
  ["ALTER TABLE orders DROP CONSTRAINT orders_pkey CASCADE", ["orders_pkey", "sales.totals_key"]],
  ["ALTER TABLE orders DROP CONSTRAINT orders_email_check", []],
  ["ALTER TABLE orders DROP CONSTRAINT nobody_knows", ["?"]],
  ["DROP SCHEMA sales CASCADE", ["sales.idx_orders_user_id", "sales.totals_key"]],
  ["DROP SCHEMA archive CASCADE", ["archive.events_2025_at_idx"]],
  ["DROP SCHEMA sales", []],
  ["DROP SCHEMA elsewhere CASCADE", ["?"]],
  ["DROP TYPE mood CASCADE", ["idx_orders_user_id_ca", "idx_orders_open", "idx_old_status", "sales.totals_key"]],
  ["DROP TYPE mood", []],
  [
    "DROP DOMAIN public.mood CASCADE",
    ["idx_orders_user_id_ca", "idx_orders_open", "idx_old_status", "sales.totals_key"],
  ],
  ["DROP FUNCTION fold(text) CASCADE", ["idx_orders_lower"]],
  ["DROP ROUTINE public.fold CASCADE", ["idx_orders_lower"]],
  ["DROP OPERATOR CLASS gin_trgm_ops USING gin CASCADE", ["tags_trgm"]],
  ["DROP EXTENSION pg_trgm CASCADE", ["tags_trgm"]],
  ["DROP EXTENSION pg_trgm", ["tags_trgm"]],
  ["DROP TEXT SEARCH CONFIGURATION english CASCADE", ["?"]],
  ["DROP CAST (text AS mood) CASCADE", ["?"]],
  ["DROP LANGUAGE plperl CASCADE", ["?"]],
  ["DROP MATERIALIZED VIEW sales.totals", ["sales.totals_key"]],
  ["DROP VIEW recent", []],
  ["DROP VIEW recent CASCADE", ["sales.totals_key"]],
  ["DROP OWNED BY shop", [...indexesOf.orders, "?"]],
  ["DROP DATABASE shop", ["?"]],
  ["ALTER TYPE address DROP ATTRIBUTE city CASCADE", ["?"]],
  ["ALTER TABLE events DETACH PARTITION archive.events_2025", []],
  ["ALTER TABLE orders NO INHERIT events", []],
];

test.each(cases)("%s", (sql, taken) => {
  expect(taken.toSorted()).toEqual(takenBy(sql).toSorted());
});

test("a column's index is reported although the column has another name by then", () => {
  const renamed = "ALTER TABLE orders RENAME COLUMN status TO state; ALTER TABLE orders DROP COLUMN state";
  expect(takenBy(renamed)).toEqual(["idx_orders_user_id_ca", "idx_orders_open", "idx_old_status"]);
});

test("a type that the request makes, renames or puts into a column is not in the catalogue's dependencies", () => {
  expect(takenBy("ALTER TYPE mood RENAME TO feeling; DROP TYPE feeling CASCADE")).toEqual([
    "idx_orders_user_id_ca",
    "idx_orders_open",
    "?",
  ]);
  const changed =
    "CREATE TYPE state AS ENUM ('a'); ALTER TABLE orders ALTER COLUMN user_id TYPE state USING 'a'; DROP TYPE state CASCADE";
  expect(takenBy(changed).toSorted()).toEqual([
    "?",
    "idx_orders_include",
    "idx_orders_user_id",
    "idx_orders_user_id_ca",
    "sales.totals_key",
  ]);
});

test("a view that the request puts between a table and a materialized view passes the cascade on", () => {
  expect(takenBy("CREATE OR REPLACE VIEW recent AS SELECT * FROM tags; DROP TABLE tags CASCADE")).toEqual([
    "tags_trgm",
    "sales.totals_key",
  ]);
});

describe("without the catalogue's sections", () => {
  const { indexDependencies: _, ...withoutDependencies } = catalog;
  const { viewDependencies: __, ...withoutViews } = catalog;
  const { tables: ___, ...withoutTables } = catalog;
  test.each([
    ["no catalogue", "DROP TABLE orders", null, ["?"]],
    ["no catalogue", "ALTER TABLE orders DROP COLUMN status", null, ["?"]],
    [
      "no dependencies",
      "DROP TYPE mood CASCADE",
      withoutDependencies,
      ["?", "?", "idx_old_status", "idx_orders_open", "idx_orders_user_id_ca", "sales.totals_key"],
    ],
    ["no dependencies", "DROP TYPE mood", withoutDependencies, []],
    ["no views", "DROP VIEW recent CASCADE", withoutViews, ["?"]],
    ["no tables", "DROP TABLE sales.orders", withoutTables, ["?", "sales.idx_orders_user_id"]],
  ] as const)("%s: %s", (_name, sql, known, taken) => {
    expect(takenBy(sql, known).toSorted()).toEqual(taken);
  });
});

function takenBy(sql: string, known = catalog as typeof catalog | null): string[] {
  const analysis = analyze(sql, "plain", known);
  expect(noted(analysis).filter((line) => line.startsWith("opaque"))).toEqual([]);
  return analysis.changes.flatMap((change) => {
    if (change.kind === "drop-unknown-indexes") return ["?"];
    if (change.kind !== "drop-index") return [];
    return [change.index.schema === "public" ? change.index.name : `${change.index.schema}.${change.index.name}`];
  });
}

import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { displayName } from "../../src/core/values.ts";
import { analyze } from "./support.ts";

beforeAll(loadGrammar);

/** Tables whose queries read something else afterwards, although no index is dropped. */
const cases: [what: string, sql: string, affected: string[]][] = [
  [
    "a new table takes the name",
    "CREATE TABLE b (LIKE orders); ALTER TABLE orders RENAME TO a; ALTER TABLE b RENAME TO orders;",
    ["orders"],
  ],
  ["a table is created under the name", "ALTER TABLE orders RENAME TO a; CREATE TABLE orders (id bigint);", ["orders"]],
  ["a view takes the name", "ALTER TABLE orders RENAME TO a; CREATE VIEW orders AS SELECT * FROM a;", ["orders"]],
  ["a copy takes the name", "ALTER TABLE orders RENAME TO a; CREATE TABLE orders AS SELECT * FROM a;", ["orders"]],
  [
    "the table leaves its schema",
    "ALTER TABLE orders SET SCHEMA archive; CREATE TABLE public.orders (id bigint);",
    ["orders"],
  ],
  [
    "another schema's table comes in",
    "ALTER TABLE orders RENAME TO a; ALTER TABLE sales.orders SET SCHEMA public;",
    ["orders"],
  ],
  [
    "a schema takes the name of another",
    "ALTER SCHEMA sales RENAME TO b; ALTER SCHEMA public RENAME TO sales;",
    ["sales.orders"],
  ],
  [
    "a new column takes the name",
    "ALTER TABLE orders RENAME user_id TO a; ALTER TABLE orders ADD user_id int;",
    ["orders"],
  ],
  [
    "columns are swapped",
    "ALTER TABLE orders RENAME user_id TO a; ALTER TABLE orders RENAME status TO user_id;",
    ["orders"],
  ],
  ["a table gets another name", "ALTER TABLE orders RENAME TO a;", []],
  ["a table gets its name back", "ALTER TABLE orders RENAME TO a; ALTER TABLE a RENAME TO orders;", []],
  [
    "a column gets its name back",
    "ALTER TABLE orders RENAME user_id TO a; ALTER TABLE orders RENAME a TO user_id;",
    [],
  ],
  ["a table of the same name in another schema", "CREATE TABLE archive.orders (id bigint);", []],
  ["a table that may be there", "CREATE TABLE IF NOT EXISTS orders (id bigint);", []],
  ["a view is replaced", "CREATE VIEW v AS SELECT 1; CREATE OR REPLACE VIEW v AS SELECT 2;", []],
];

test.each(cases)("%s", (_what, sql, affected) => {
  const changed = analyze(sql).changes.filter((change) => change.affectsQueryPlans);
  expect([...new Set(changed.flatMap(({ tables }) => tables.map(displayName)))]).toEqual(affected);
});

import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { analyze, catalog, drops } from "./support.ts";

beforeAll(loadGrammar);

const both = ["drop idx_orders_user_id of orders", "drop sales.idx_orders_user_id of sales.orders"];
const [publicOne, salesOne] = both.map((line) => [line]);

/** idx_orders_user_id exists in public and in sales; $user is neither, since both have other owners. */
const cases: [sql: string, dropped: string[] | undefined][] = [
  ["DROP INDEX idx_orders_user_id", publicOne],
  ["DROP INDEX public.idx_orders_user_id", publicOne],
  ["SET search_path = sales; DROP INDEX idx_orders_user_id", salesOne],
  ["SET search_path TO archive, sales; DROP INDEX idx_orders_user_id", salesOne],
  ['SET search_path = "SALES", public; DROP INDEX idx_orders_user_id', publicOne],
  ["SET SCHEMA 'sales'; DROP INDEX idx_orders_user_id", salesOne],
  ["SET search_path = sales; RESET search_path; DROP INDEX idx_orders_user_id", publicOne],
  ["SET search_path = sales; RESET ALL; DROP INDEX idx_orders_user_id", publicOne],
  ["BEGIN; SET LOCAL search_path = sales; COMMIT; DROP INDEX idx_orders_user_id", both],
  ["SELECT set_config('search_path', 'sales, public', false); DROP INDEX idx_orders_user_id", both.toReversed()],
  ["SELECT set_config('search_path', current_user, false); DROP INDEX idx_orders_user_id", both],
  ["ALTER ROLE app SET search_path = sales; DROP INDEX idx_orders_user_id", both],
  ["ALTER TABLE orders SET SCHEMA archive; DROP INDEX archive.idx_orders_user_id", publicOne],
  [
    "ALTER TABLE orders RENAME TO o2; ALTER TABLE o2 DROP COLUMN user_id",
    [
      "drop idx_orders_user_id of orders (with column o2.user_id)",
      "drop idx_orders_user_id_ca of orders (with column o2.user_id)",
      "drop idx_orders_include of orders (with column o2.user_id)",
    ],
  ],
  ["ALTER TABLE orders RENAME CONSTRAINT orders_pkey TO pk; DROP INDEX pk", ["drop orders_pkey of orders"]],
  ["ALTER INDEX unheard_of RENAME TO other; DROP INDEX other", ["drop unheard_of"]],
  [`DROP INDEX idx_${"x".repeat(80)}`, [`drop idx_${"x".repeat(59)}`]],
  ['DROP INDEX "IDX_ORDERS_USER_ID"', ["drop IDX_ORDERS_USER_ID"]],
  ["CREATE INDEX new_one ON orders (id); DROP INDEX new_one", ["drop new_one of orders, new"]],
  [
    "CREATE INDEX new_one ON orders (id); ALTER INDEX new_one RENAME TO idx_orders_user_id; DROP INDEX idx_orders_user_id",
    [...(publicOne ?? []), "drop idx_orders_user_id of orders, new"],
  ],
];

test.each(cases)("%s", (sql, dropped) => {
  expect(drops(analyze(sql))).toEqual(dropped);
});

test("the next file may run in the same session, or in another", () => {
  const files = [
    ["1.sql", "SET search_path = sales;"],
    ["2.sql", "DROP INDEX idx_orders_user_id;"],
  ] as const;
  expect(drops(analyze(files))).toEqual(both);
});

test('"$user" can be any schema that no other role owns', () => {
  const owned = { ...catalog, schemas: [{ name: "sales", owner: "sales" }] };
  expect(drops(analyze("DROP INDEX idx_orders_user_id", "plain", owned))).toEqual(both.toReversed());
});

test("the catalogue's own search_path is where names are looked up", () => {
  const known = { ...catalog, searchPath: ["sales", "public"] };
  expect(drops(analyze("DROP INDEX idx_orders_user_id", "plain", known))).toEqual(salesOne);
});

test("prototype names are names like any other", () => {
  const sql =
    'CREATE TABLE "__proto__" (constructor int PRIMARY KEY); DROP TABLE "__proto__"; DROP INDEX constructor, "hasOwnProperty"; SELECT constructor(), "__proto__"()';
  const analysis = analyze(sql);
  expect(drops(analysis)).toEqual([
    "drop __proto___pkey of __proto__, new (with table __proto__)",
    "drop constructor",
    "drop hasOwnProperty",
  ]);
  expect(analysis.changes.filter(({ kind }) => kind === "opaque")).toHaveLength(2);
});

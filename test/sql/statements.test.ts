import { readFileSync } from "node:fs";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { handlers } from "../../src/core/sql/statement-handlers.ts";
import { analyze, noted } from "./support.ts";

beforeAll(loadGrammar);

/** One statement, and the changes that it makes. */
const cases: [sql: string, changes: string[]][] = [
  // Indexes
  ["DROP INDEX CONCURRENTLY idx_orders_user_id_ca", ["drop idx_orders_user_id_ca of orders"]],
  ["DROP INDEX sales.idx_orders_user_id", ["drop sales.idx_orders_user_id of sales.orders"]],
  ["DROP INDEX idx_orders_lower, unheard_of", ["drop idx_orders_lower of orders", "drop unheard_of"]],
  ["CREATE INDEX ON orders (user_id, status)", ["create orders_user_id_status_idx of orders"]],
  ["CREATE INDEX ON orders (lower(email), (id + 1))", ["create orders_lower_expr_idx of orders"]],
  [
    "CREATE INDEX ON orders (user_id); CREATE INDEX ON orders (user_id)",
    ["create orders_user_id_idx of orders", "create orders_user_id_idx1 of orders"],
  ],
  ["CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS u ON sales.orders (id)", ["create sales.u of orders"]],
  [
    "ALTER TABLE orders ADD UNIQUE (email)",
    ["add constraint orders", "create orders_email_key of orders for constraint orders_email_key"],
  ],
  [
    "ALTER TABLE tags ADD PRIMARY KEY (id)",
    ["add constraint tags", "create tags_pkey of tags for constraint tags_pkey"],
  ],
  [
    "ALTER TABLE orders ADD EXCLUDE USING gist (user_id WITH =)",
    ["add constraint orders", "create orders_user_id_excl of orders for constraint orders_user_id_excl"],
  ],
  [
    "ALTER TABLE orders ADD COLUMN sku text UNIQUE",
    ["add column orders", "create orders_sku_key of orders for constraint orders_sku_key"],
  ],
  [
    "ALTER TABLE orders ADD CONSTRAINT c UNIQUE USING INDEX idx_orders_user_id; DROP INDEX c",
    ["add constraint orders", "drop idx_orders_user_id of orders"],
  ],
  ["ALTER INDEX idx_orders_lower SET (fillfactor = 70)", ["alter index orders"]],
  ["REINDEX INDEX CONCURRENTLY idx_orders_lower", ["reindex orders"]],
  ["CLUSTER orders USING orders_pkey", ["cluster orders"]],
  // Tables
  [
    "CREATE TABLE a (id int PRIMARY KEY, b text UNIQUE)",
    ["create table a", "create a_pkey of a for constraint a_pkey", "create a_b_key of a for constraint a_b_key"],
  ],
  ["CREATE TABLE IF NOT EXISTS orders (id int PRIMARY KEY)", ["create table orders"]],
  ["CREATE TABLE a (LIKE sales.totals INCLUDING ALL)", ["create table a", "create a_day_key of a"]],
  ["CREATE TABLE a (LIKE sales.totals)", ["create table a"]],
  ["CREATE TABLE a AS SELECT 1", ["create table a"]],
  ["SELECT * INTO a FROM orders", ["create table a"]],
  ["CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM (1) TO (2)", ["create table events_2026 events"]],
  [
    "CREATE TABLE a (id int PRIMARY KEY); DROP TABLE a",
    [
      "create table a",
      "create a_pkey of a for constraint a_pkey",
      "drop table a",
      "drop a_pkey of a, new (with table a)",
    ],
  ],
  [
    "CREATE SCHEMA app CREATE TABLE t (id int PRIMARY KEY) CREATE INDEX i ON t (id)",
    ["create schema", "create table app.t", "create app.t_pkey of t for constraint t_pkey", "create app.i of t"],
  ],
  [
    "ALTER TABLE orders ALTER COLUMN status TYPE text",
    ["alter type of status, rebuilds idx_orders_user_id_ca idx_orders_open idx_old_status"],
  ],
  ["ALTER TABLE orders ADD COLUMN a int, ALTER COLUMN id SET NOT NULL", ["add column orders", "set not null orders"]],
  ["ALTER TABLE orders ADD CHECK (lower(email) = email) NOT VALID", ["add constraint orders"]],
  ["ALTER TABLE orders RENAME TO purchases", ["rename table orders"]],
  ["ALTER TABLE events ATTACH PARTITION tags FOR VALUES IN (1)", ["attach partition events tags"]],
  ["COMMENT ON TABLE orders IS 'DROP INDEX a'", ["comment"]],
  ["GRANT SELECT ON orders TO app", ["grant"]],
  ["CREATE VIEW v AS SELECT * FROM orders", ["create view v"]],
  ["CREATE POLICY p ON orders USING (lower(email) = current_user)", ["create policy"]],
  // Data
  ["INSERT INTO orders SELECT * FROM tags", ["insert orders"]],
  ["UPDATE orders SET email = lower(email)", ["update orders"]],
  ["DELETE FROM sales.orders WHERE id = 1", ["delete sales.orders"]],
  ["MERGE INTO orders USING tags ON true WHEN MATCHED THEN DELETE", ["merge orders"]],
  [
    "WITH gone AS (DELETE FROM orders RETURNING *) INSERT INTO tags SELECT * FROM gone",
    ["delete orders", "insert tags"].toReversed(),
  ],
  ["TRUNCATE orders, tags", ["truncate orders tags"]],
  ["COPY orders FROM '/tmp/x.csv'", ["copy orders"]],
  ["COPY orders TO stdout", []],
  ["EXPLAIN (ANALYZE, BUFFERS) DELETE FROM orders", ["delete orders"]],
  ["EXPLAIN (ANALYZE false) DELETE FROM orders", []],
  ["PREPARE p AS DELETE FROM orders; EXECUTE p", ["delete orders", "other"]],
  ["REFRESH MATERIALIZED VIEW CONCURRENTLY sales.totals", ["other sales.totals"]],
  ["VACUUM ANALYZE orders", ["other orders"]],
  ["VACUUM FULL orders", ["vacuum full orders"]],
  ["LOCK TABLE orders", ["other"]],
  ["DO $$ BEGIN INSERT INTO tags VALUES (1); END $$", ["insert tags"]],
  // Nothing
  ["SELECT count(*), now(), gen_random_uuid() FROM orders WHERE email ILIKE 'x%' FOR UPDATE", []],
  [
    "SELECT nextval('s'), EXTRACT(epoch FROM now()), SUBSTRING('a' FROM 1), TRIM('x'), 'a' SIMILAR TO 'b', now() AT TIME ZONE 'UTC'",
    [],
  ],
  [
    "SELECT pg_advisory_xact_lock(hashtext('x')), COALESCE(1, 2), GREATEST(1, 2), current_user, json_build_object('a', 1)",
    [],
  ],
  ["BEGIN; SAVEPOINT a; RELEASE a; COMMIT", []],
  // Beyond the database
  ["CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw", ["create server"]],
  ["ALTER SYSTEM SET archive_command = 'x'", ["opaque: program"]],
  ["ALTER TABLE pg_class ADD COLUMN x int", ["opaque: catalogue-write"]],
  ["DECLARE c CURSOR FOR SELECT app.f()", ["opaque: function-call app.f"]],
];

test.each(cases)("%s", (sql, changes) => {
  expect(noted(analyze(sql))).toEqual(changes);
});

test("every statement of the grammar has been considered", () => {
  const types = readFileSync(require.resolve("@pgsql/types/types.d.ts"), "utf8");
  const statements = [...types.matchAll(/^export interface (\w+Stmt) /gm)].map((match) => match[1] ?? "");
  expect(statements.length).toBeGreaterThan(110);
  // Not in SQL text: what the server makes of statements later, a part of ALTER TABLE, and PL/pgSQL's assignment.
  const internal = ["RawStmt", "SetOperationStmt", "ReplicaIdentityStmt", "PLAssignStmt"];
  expect(Object.keys(handlers).sort()).toEqual(statements.filter((name) => !internal.includes(name)).sort());
});

test("an index's definition is what the statement says", () => {
  const sql = `CREATE UNIQUE INDEX i ON orders USING btree (lower(email) COLLATE "C" text_pattern_ops DESC NULLS LAST, user_id)
    INCLUDE (id) NULLS NOT DISTINCT WHERE (status <> 'done')`;
  const [change] = analyze(sql).changes;
  expect(change?.kind === "create-index" && change.index).toMatchObject({
    schema: "public",
    name: "i",
    table: "orders",
    method: "btree",
    keys: [
      { expression: "lower(email)", collation: "C", operatorClass: "text_pattern_ops", order: "desc", nulls: "last" },
      { column: "user_id", order: "asc" },
    ],
    include: ["id"],
    predicate: "status <> 'done'",
    unique: true,
    nullsNotDistinct: true,
  });
});

/** As PostgreSQL 18 named them. */
test.each([
  ["(d -> 'a' ->> 'b'), (user_id::bigint)", "orders_expr_user_id_idx"],
  ["coalesce(email, 'x')", "orders_coalesce_idx"],
  ["(CASE WHEN id > 1 THEN 1 END)", "orders_case_idx"],
  ["(nullif(email, ''))", "orders_nullif_idx"],
  ["greatest(id, 1)", "orders_greatest_idx"],
  ["substring(email FROM 1 FOR 3), trim(email)", "orders_substring_btrim_idx"],
  ["(ARRAY[user_id])", "orders_array_idx"],
  ["user_id) INCLUDE (email", "orders_user_id_email_idx"],
])("an index on (%s) gets the name %s", (keys, name) => {
  expect(noted(analyze(`CREATE INDEX ON orders (${keys})`))).toEqual([`create ${name} of orders`]);
});

test("a generated name has at most 63 bytes, and no half character", () => {
  const sql = `CREATE TABLE "${"t".repeat(50)}" (${"c".repeat(40)} int UNIQUE, "${"é".repeat(30)}" int UNIQUE)`;
  expect(noted(analyze(sql)).slice(1)).toEqual(
    [`${"t".repeat(29)}_${"c".repeat(29)}_key`, `${"t".repeat(29)}_${"é".repeat(14)}_key`].map(
      (name) => `create ${name} of ${"t".repeat(50)} for constraint ${name}`,
    ),
  );
});

test("the catalogue afterwards has what is left", () => {
  const { after } = analyze(
    "ALTER TABLE orders DROP COLUMN status; CREATE INDEX i ON tags (label); ALTER TABLE sales.orders RENAME TO purchases",
  );
  expect(after?.indexes?.map(({ schema, table, name }) => `${schema}.${table} ${name}`)).toEqual([
    "public.orders orders_pkey",
    "public.orders idx_orders_user_id",
    "public.orders idx_orders_lower",
    "public.orders idx_orders_include",
    "public.orders idx_orders_generated",
    "sales.purchases idx_orders_user_id",
    "sales.totals totals_key",
    "public.events events_at_idx",
    "archive.events_2025 events_2025_at_idx",
    "public.tags tags_trgm",
    "public.tags i",
  ]);
  expect(analyze("DROP TABLE orders", "plain", null).after).toBeNull();
});

test("an index that may never come to exist is not counted on afterwards", () => {
  const created = (sql: string) => analyze(sql).after?.indexes?.some(({ name }) => name === "cover");
  expect(created("CREATE INDEX cover ON orders (id)")).toBe(true);
  expect(created("DO $$ BEGIN IF false THEN CREATE INDEX cover ON orders (id); END IF; END $$")).toBe(false);
  expect(created("BEGIN; CREATE INDEX cover ON orders (id); ROLLBACK")).toBe(false);
});

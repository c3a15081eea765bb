import { Client } from "pg";
import type { Catalog } from "../../src/core/catalog/catalog.ts";
import { analyzeMigrations } from "../../src/core/sql/analyze.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { collectFrom, startCollected } from "../collect/collector.ts";
import { type PostgresServer, query } from "../support/postgres-server.ts";
import { prepare } from "./cluster.ts";

/** Which indexes a statement takes with it: what the analysis says, against what a real server does. */
const schema = `
CREATE SCHEMA sales;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE FUNCTION first_letter(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT left($1, 1)';
CREATE FUNCTION compare_reversed(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT btint4cmp($2, $1)';
CREATE OPERATOR CLASS reversed FOR TYPE int USING btree AS
  OPERATOR 1 > , OPERATOR 2 >= , OPERATOR 3 = , OPERATOR 4 <= , OPERATOR 5 < , FUNCTION 1 compare_reversed(int, int);
CREATE TABLE t (id int PRIMARY KEY, a int, b int, c text, m mood, UNIQUE (c));
CREATE INDEX t_a ON t (a);
CREATE INDEX t_a_b ON t (a, b);
CREATE INDEX t_sum ON t ((a + b));
CREATE INDEX t_a_where ON t (a) WHERE b > 1;
CREATE INDEX t_include ON t (a) INCLUDE (b);
CREATE INDEX t_letter ON t (first_letter(c));
CREATE INDEX t_mood ON t (m);
CREATE INDEX t_reversed ON t (a reversed);
CREATE TABLE child (id int REFERENCES t, x int, EXCLUDE USING btree (x WITH =));
CREATE TABLE sales.orders (id int PRIMARY KEY, total int);
CREATE INDEX orders_total ON sales.orders (total);
CREATE TABLE p (id int, v int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
CREATE INDEX p_v ON p (v);
CREATE TABLE base (k int, w int);
CREATE TABLE derived (z int) INHERITS (base);
CREATE INDEX base_w ON base (w);
CREATE INDEX derived_w ON derived (w);
CREATE MATERIALIZED VIEW mv AS SELECT a, count(*) AS n FROM t GROUP BY a;
CREATE INDEX mv_n ON mv (n);
CREATE VIEW v AS SELECT a, b FROM t;
CREATE MATERIALIZED VIEW mv_over_v AS SELECT b FROM v;
CREATE INDEX mv_over_v_b ON mv_over_v (b);
`;

/** Runs on the server in a transaction that is rolled back. Statements that fail there are no cases. */
const statements = [
  "DROP INDEX t_a",
  "DROP INDEX t_a, t_a_b",
  "DROP INDEX p_v",
  "DROP TABLE child",
  "DROP TABLE t CASCADE",
  "DROP TABLE p",
  "DROP TABLE p1",
  "DROP TABLE base CASCADE",
  "DROP TABLE sales.orders",
  "DROP SCHEMA sales CASCADE",
  "ALTER TABLE t DROP COLUMN b CASCADE",
  "ALTER TABLE t DROP COLUMN m",
  "ALTER TABLE t DROP COLUMN c",
  "ALTER TABLE child DROP COLUMN x",
  "ALTER TABLE base DROP COLUMN w",
  "ALTER TABLE p DROP COLUMN v",
  "ALTER TABLE t DROP CONSTRAINT t_c_key",
  "ALTER TABLE t DROP CONSTRAINT t_pkey CASCADE",
  "ALTER TABLE child DROP CONSTRAINT child_x_excl",
  "DROP TYPE mood CASCADE",
  "DROP FUNCTION first_letter CASCADE",
  "DROP OPERATOR CLASS reversed USING btree CASCADE",
  "DROP OPERATOR FAMILY reversed USING btree CASCADE",
  "DROP MATERIALIZED VIEW mv",
  "DROP VIEW v CASCADE",
  "DROP MATERIALIZED VIEW mv_over_v",
  "ALTER TABLE sales.orders ALTER COLUMN total TYPE bigint",
  "ALTER TABLE p DETACH PARTITION p1",
  "TRUNCATE child",
  "ALTER TABLE sales.orders RENAME TO bills; DROP INDEX sales.orders_total",
  "ALTER INDEX t_a RENAME TO t_other; DROP INDEX t_other",
  "ALTER TABLE t SET SCHEMA sales; DROP INDEX sales.t_a",
  "SET LOCAL search_path = sales, public; DROP INDEX orders_total",
  "DO $$ BEGIN DROP INDEX t_a; END $$",
  "DO $$ BEGIN EXECUTE 'DROP INDEX t_sum'; END $$",
  "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP INDEX t_a; END $$; SELECT f()",
];

let server: PostgresServer;
let catalog: Catalog;
beforeAll(async () => {
  await loadGrammar();
  server = await startCollected(18);
  await prepare(server, schema);
  await query(server.url, "GRANT USAGE ON SCHEMA sales TO plangate_collector");
  await query(server.url, "GRANT SELECT ON ALL TABLES IN SCHEMA sales TO plangate_collector");
  const { catalog: collected } = await collectFrom(server);
  if (collected == null) throw new Error("no catalogue");
  catalog = collected;
});
afterAll(() => server?.cleanup());

test.each(statements)("%s", async (sql) => {
  const { changes } = analyzeMigrations({ migrations: [{ path: "m.sql", sql }], format: "plain", catalog });
  const told = changes.flatMap((change) =>
    change.kind === "drop-index" ? [`${change.index.schema}.${change.index.name}`] : [],
  );
  expect(changes.filter(({ kind }) => kind === "opaque" || kind === "drop-unknown-indexes")).toEqual([]);
  const gone = await indexesThatGo(sql);
  expect(told).toEqual(expect.arrayContaining(gone));
  // What CASCADE reaches may be told too broadly, never too narrowly.
  if (!sql.includes("CASCADE")) expect([...new Set(told)].sort()).toEqual(gone);
});

/** Indexes, by their names before, that are gone after the statement. A rewrite rebuilds them under the same name. */
async function indexesThatGo(sql: string): Promise<string[]> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    const list = `SELECT c.oid::int AS oid, n.nspname || '.' || c.relname AS name FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname IN ('public', 'sales')`;
    await client.query("BEGIN");
    const before = await client.query<{ oid: number; name: string }>(list);
    await client.query(sql);
    const after = (await client.query<{ oid: number; name: string }>(list)).rows;
    const stays = (index: { oid: number; name: string }) =>
      after.some(({ oid, name }) => oid === index.oid || name === index.name);
    return before.rows
      .filter((index) => !stays(index))
      .map(({ name }) => name)
      .sort();
  } finally {
    await client.end();
  }
}

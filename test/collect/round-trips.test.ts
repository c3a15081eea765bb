import { Client } from "pg";
import { type PostgresServer, query } from "../support/postgres-server.ts";
import { collectFrom, startCollected } from "./collector.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startCollected(18);
});
afterAll(() => server.cleanup());

async function makeTables(from: number, to: number): Promise<void> {
  const columns = "id bigint PRIMARY KEY, a int REFERENCES referenced, b text DEFAULT 'x', c timestamptz";
  await query(
    server.url,
    `DO $$ BEGIN FOR n IN ${from}..${to} LOOP
      EXECUTE format('CREATE TABLE t%s (${columns.replaceAll("'", "''")})', n);
      EXECUTE format('INSERT INTO t%s SELECT g, 1, g, now() FROM generate_series(1, 20) AS g', n);
      EXECUTE format('CREATE INDEX t%s_a ON t%s (a, b)', n, n);
      EXECUTE format('CREATE INDEX t%s_lower ON t%s (lower(b)) WHERE c IS NOT NULL', n, n);
      EXECUTE format('CREATE VIEW v%s AS SELECT * FROM t%s', n, n);
    END LOOP; END $$`,
  );
  await query(server.url, "ANALYZE");
}

async function roundTrips() {
  const spy = jest.spyOn(Client.prototype, "query");
  const bundle = await collectFrom(server);
  const count = spy.mock.calls.length;
  spy.mockRestore();
  return { count, bundle };
}

test("the number of queries does not depend on the size of the schema", async () => {
  await query(server.url, "CREATE TABLE referenced (id int PRIMARY KEY); INSERT INTO referenced VALUES (1)");
  await makeTables(1, 20);
  const small = await roundTrips();
  await makeTables(21, 500);
  const large = await roundTrips();
  expect(small.bundle.catalog?.indexes?.length).toBe(61);
  expect(large.bundle.catalog?.indexes?.length).toBe(1501);
  expect(large.bundle.statistics?.columns?.length).toBeGreaterThan(2000);
  expect(large.count).toBe(small.count);
  expect(large.count).toBeLessThan(30);
});

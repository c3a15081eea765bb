import { Client, DatabaseError } from "pg";
import type { EvidenceBundle } from "../../src/core/evidence/bundle.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { collectFrom, startCollected } from "../collect/collector.ts";
import { type PostgresServer, query } from "../support/postgres-server.ts";
import { judge, prepare, verdict } from "./cluster.ts";

/** Duties that no scan shows: each index here has none, and the real server shows what its loss breaks. */
const schema = `
CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, plan text);
INSERT INTO users SELECT n, 'user' || n, 'free' FROM generate_series(1, 20000) AS n;
CREATE UNIQUE INDEX users_email ON users (email);
CREATE INDEX users_lower_email ON users (lower(left(email, 5)));
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, note text NOT NULL);
INSERT INTO orders SELECT n, n, 'x' FROM generate_series(1, 20000) AS n;
CREATE INDEX orders_user_id ON orders (user_id);
CREATE TABLE events (id bigint NOT NULL, body text);
CREATE UNIQUE INDEX events_identity ON events (id);
ALTER TABLE events REPLICA IDENTITY USING INDEX events_identity;
CREATE PUBLICATION changes FOR TABLE events;
INSERT INTO events VALUES (1, 'a');
CREATE MATERIALIZED VIEW plans AS SELECT plan, count(*) FROM users GROUP BY plan;
CREATE UNIQUE INDEX plans_plan ON plans (plan);
CREATE INDEX orders_by_note ON orders (note);
CLUSTER orders USING orders_by_note;
`;

let server: PostgresServer;
let bundles: EvidenceBundle[];
beforeAll(async () => {
  await loadGrammar();
  server = await startCollected(18);
  for (const statement of schema.split(";\n")) await query(server.url, statement);
  await prepare(server, "SELECT");
  bundles = [await collectFrom(server)];
});
afterAll(() => server?.cleanup());

const role = (index: string) =>
  verdict(judge(bundles, `DROP INDEX CONCURRENTLY ${index};`, "index-role: {}"), "index-role", index);

/** Drops the index in a transaction that is rolled back, and runs what needs it meanwhile. */
async function without<T>(index: string, run: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    await client.query("BEGIN");
    await client.query(`DROP INDEX ${index}`);
    return await run(client);
  } finally {
    await client.end();
  }
}

async function sqlState(client: Client, sql: string): Promise<string | undefined> {
  try {
    await client.query(sql);
    return undefined;
  } catch (error) {
    if (error instanceof DatabaseError) return error.code;
    throw error;
  }
}

async function planned(client: Client, sql: string): Promise<string> {
  const { rows } = await client.query<{ "QUERY PLAN": string }>(`EXPLAIN ${sql}`);
  return rows.map((row) => row["QUERY PLAN"]).join("\n");
}

test("unique without a constraint: ON CONFLICT needs it", async () => {
  const upsert = "INSERT INTO users VALUES (1, 'user1') ON CONFLICT (email) DO NOTHING";
  expect(await without("users_email", (client) => sqlState(client, upsert))).toBe("42P10");
  expect(role("users_email")).toEqual({
    outcome: "fail",
    message: expect.stringContaining("enforces the uniqueness of (email)"),
  });
});

test("unique: the planner removes a left join because of it", async () => {
  const join = "SELECT o.id FROM orders o LEFT JOIN users u ON u.email = o.note";
  const client = new Client({ connectionString: server.url });
  await client.connect();
  expect(await planned(client, join)).not.toContain("users");
  await client.end();
  expect(await without("users_email", (other) => planned(other, join))).toContain("users");
  expect(role("users_email").outcome).toBe("fail");
});

test("replica identity: UPDATE of a published table fails without it", async () => {
  const update = "UPDATE events SET body = 'b'";
  expect(await without("events_identity", (client) => sqlState(client, update))).toBe("55000");
  expect(role("events_identity")).toEqual({ outcome: "fail", message: expect.stringContaining("replica identity") });
});

test("foreign key: EXPLAIN DELETE of the parent never shows the index", async () => {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  expect(await planned(client, "DELETE FROM users WHERE id = 5")).not.toContain("orders");
  await client.end();
  expect(role("orders_user_id")).toEqual({
    outcome: "fail",
    message: expect.stringContaining(
      "alone supports the foreign key orders_user_id_fkey: each DELETE on users would read all of orders",
    ),
  });
});

test("expression: its statistics go, and the estimate with them", async () => {
  const estimate = async (client: Client) =>
    / rows=(\d+) /.exec(await planned(client, "SELECT * FROM users WHERE lower(left(email, 5)) = 'user1'"))?.[1];
  const client = new Client({ connectionString: server.url });
  await client.connect();
  const before = Number(await estimate(client));
  await client.end();
  const after = Number(await without("users_lower_email", estimate));
  expect(before / after).toBeGreaterThan(5);
  expect(role("users_lower_email")).toEqual({
    outcome: "fail",
    message: expect.stringContaining("statistics of the expression"),
  });
});

test("materialized view: REFRESH CONCURRENTLY needs a unique index", async () => {
  // REFRESH … CONCURRENTLY checks for the index before anything else.
  expect(
    await without("plans_plan", (client) => sqlState(client, "REFRESH MATERIALIZED VIEW CONCURRENTLY plans")),
  ).toBe("55000");
  expect(role("plans_plan")).toEqual({
    outcome: "fail",
    message: expect.stringContaining("REFRESH MATERIALIZED VIEW CONCURRENTLY"),
  });
});

test("CLUSTER: the table remembers the index that orders it", async () => {
  expect(await without("orders_by_note", (client) => sqlState(client, "CLUSTER orders"))).toBe("42704");
  expect(role("orders_by_note")).toEqual({ outcome: "fail", message: expect.stringContaining("CLUSTER orders") });
});

test("primary key and the index that a foreign key refers to", () => {
  const decision = judge(bundles, "ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE;", "index-role: {}");
  expect(verdict(decision, "index-role", "users_pkey")).toEqual({
    outcome: "fail",
    message: expect.stringContaining("primary key"),
  });
});

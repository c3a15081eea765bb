import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli } from "../cli/run.ts";
import { type PostgresServer, query, startStandby, waitForReplay } from "../support/postgres-server.ts";
import { collectFrom, scansOf, startCollected, urlOf } from "./collector.ts";

/** The incident, with a query that the planner means the composite for: it runs on the standby alone. */
const orders = `
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint NOT NULL, status text NOT NULL, created_at timestamptz NOT NULL);
INSERT INTO orders SELECT n, n % 2000, CASE WHEN n % 5 = 0 THEN 'paid' ELSE 'deleted' END, timestamptz '2026-01-01' + n * interval '1 second'
  FROM generate_series(1, 100000) AS n;
CREATE INDEX idx_orders_user_id_ca ON orders (user_id, status, created_at);
CREATE INDEX idx_orders_created_at ON orders (created_at);
`;
const latestPaid = "SELECT * FROM orders WHERE user_id = 7 AND status = 'paid' ORDER BY created_at DESC LIMIT 20";

const policy = `
version: 1
policy: index-drops
appliesTo: { changes: [schema] }
enforcement: deny
rules:
  index-usage: { observedFor: 1s }
  index-role: {}
`;

describe.each([13, 15, 18] as const)("PostgreSQL %i: a drop is judged by what every node counted", (major) => {
  const servers: PostgresServer[] = [];
  let primary: PostgresServer;
  let standby: PostgresServer;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "plangate-decision-"));
    writeFileSync(join(folder, "index-drops.yaml"), policy);
    for (const index of ["idx_orders_user_id_ca", "idx_orders_created_at", "orders_pkey"]) {
      writeFileSync(join(folder, `${index}.sql`), `DROP INDEX CONCURRENTLY ${index};\n`);
    }
    primary = await startCollected(major);
    servers.push(primary);
    await query(primary.url, orders);
    await query(primary.url, "VACUUM ANALYZE orders");
    await query(primary.url, "GRANT SELECT ON orders TO plangate_collector");
    standby = await startStandby(primary);
    servers.push(standby);
    await waitForReplay(primary, standby);
    await query(standby.url, latestPaid);
    while (scansOf(await collectFrom(standby)).idx_orders_user_id_ca === 0)
      await new Promise((done) => setTimeout(done, 100));
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.cleanup()));
    rmSync(folder, { recursive: true });
  });

  async function decide(index: string, nodes: Record<string, PostgresServer>) {
    const named = Object.entries(nodes).flatMap(([name, server]) => ["--server", `${name}=${urlOf(server)}`]);
    const collected = await cli(["evidence", "collect", ...named, "--out", "evidence.json"], { cwd: folder });
    expect(collected.code).toBe(0);
    const target = ["--environment", "production", "--service", "orders", "--policies", "."];
    const world = { cwd: folder, now: new Date().toISOString() };
    const { code, stdout } = await cli(["check", `${index}.sql`, ...target, "--evidence", "evidence.json"], world);
    return { code, text: stdout.replace(/\s+/g, " ") };
  }

  it("refuses the index that only the standby uses", async () => {
    const { code, text } = await decide("idx_orders_user_id_ca", {
      "orders-primary": primary,
      "orders-replica-1": standby,
    });
    expect(code).toBe(2);
    expect(text).toMatch(/idx_orders_user_id_ca on orders is in use: 1 scan on orders-replica-1/);
    expect(text).not.toMatch(/scans? on orders-primary/);
  });

  it("approves the drop of the index that no node uses", async () => {
    const { code, text } = await decide("idx_orders_created_at", {
      "orders-primary": primary,
      "orders-replica-1": standby,
    });
    expect(text).toMatch(/approved/i);
    expect(code).toBe(0);
  });

  it("refuses it without evidence of the standby, which the primary reports", async () => {
    const { code, text } = await decide("idx_orders_created_at", { "orders-primary": primary });
    expect(code).toBe(2);
    expect(text).toContain("the primary reports 1 standby and there is evidence of 0");
  });

  it("counts a node that is given two names once", async () => {
    const { code } = await decide("idx_orders_created_at", { "orders-primary": primary, "orders-replica-1": primary });
    expect(code).toBe(2);
  });

  it("refuses an index with a duty, scans or not", async () => {
    const { code, text } = await decide("orders_pkey", { "orders-primary": primary, "orders-replica-1": standby });
    expect(code).toBe(2);
    expect(text).toContain("enforces the constraint orders_pkey (primary key)");
  });
});

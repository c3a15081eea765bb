import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { urlOf } from "../collect/collector.ts";
import { query, waitForReplay } from "../support/postgres-server.ts";
import { type Cluster, latestPaid, startCluster } from "../traps/cluster.ts";
import { type HungServer, type ReadingGate, startHungServer, startReadingGate, usageFinding } from "./gate.ts";

/** The gate reads a real primary and a real streaming standby; requests bring no evidence. */
let cluster: Cluster;
let gate: ReadingGate;
let hung: HungServer;

beforeAll(async () => {
  cluster = await startCluster();
  hung = await startHungServer();
  await lockOut(cluster);
  const [control] = await query(cluster.primary.url, "SELECT system_identifier::text AS id FROM pg_control_system()");
  gate = await startReadingGate({
    orders: {
      systemIdentifier: String(control?.id),
      nodes: { "orders-primary": urlOf(cluster.primary), "orders-replica-1": urlOf(cluster.standby) },
    },
    "other-cluster": { systemIdentifier: "1", nodes: { "wrong-cluster": urlOf(cluster.primary) } },
    "wrong-password": {
      nodes: { locked: `postgresql://locked:hunter2@127.0.0.1:${cluster.primary.port}/postgres` },
    },
    hung: { nodes: { silent: hung.url } },
  });
}, 120_000);

afterAll(async () => {
  await Promise.allSettled([gate?.stop(), hung?.stop(), cluster?.cleanup()]);
});

/** A role that must give a password, and whose password is not the one that the gate has. */
async function lockOut({ primary }: Cluster): Promise<void> {
  await query(primary.url, "CREATE ROLE locked LOGIN PASSWORD 'another'");
  const file = join(primary.dataDir, "pg_hba.conf");
  writeFileSync(file, `host all locked 127.0.0.1/32 scram-sha-256\n${readFileSync(file, "utf8")}`);
  await query(primary.url, "SELECT pg_reload_conf()");
}

const dropUnused = "DROP INDEX CONCURRENTLY idx_orders_user_id;";

test("the incident's drop: only the standby shows the scans, and the gate looks there", async () => {
  for (let run = 0; run < 3; run++) await query(cluster.standby.url, latestPaid);
  gate.advance(16);
  const decision = await gate.decide("orders", "DROP INDEX CONCURRENTLY idx_orders_user_id_ca;");
  expect(decision.decision).toBe("rejected");
  expect(usageFinding(decision)).toEqual({
    outcome: "fail",
    message: expect.stringMatching(/^idx_orders_user_id_ca on orders is in use: 3 scans on orders-replica-1/),
  });
  expect(decision.warnings).toEqual([]);
  expect(decision.evidence.map(({ server, trust }) => ({ server, trust }))).toEqual(
    expect.arrayContaining([
      { server: "orders-primary", trust: "pulled" },
      { server: "orders-replica-1", trust: "pulled" },
    ]),
  );
});

test("the index that no node uses may go", async () => {
  const decision = await gate.decide("orders", dropUnused);
  expect(usageFinding(decision).message).toContain("has no scans on orders-primary and orders-replica-1");
  expect(decision).toMatchObject({ decision: "approved", warnings: [] });
});

test("what was read is used until it is too old, and requests that come together share one reading", async () => {
  const before = await gate.reads("orders-replica-1", "ok");
  await gate.decide("orders", dropUnused);
  expect(await gate.reads("orders-replica-1", "ok")).toBe(before);
  gate.advance(16);
  const decisions = await Promise.all(Array.from({ length: 5 }, () => gate.decide("orders", dropUnused)));
  expect(decisions.map(({ decision }) => decision)).toEqual(Array(5).fill("approved"));
  expect(await gate.reads("orders-replica-1", "ok")).toBe(before + 1);
});

test("a service's database is read where the request names none", async () => {
  const decision = await gate.decide(null, dropUnused, { service: "billing" });
  expect(decision).toMatchObject({ decision: "approved", warnings: [] });
});

test("a request that changes no data or schema has no server read", async () => {
  gate.advance(16);
  const before = await gate.reads("orders-primary", "ok");
  await gate.decide("orders", "", { migrations: [] });
  expect(await gate.reads("orders-primary", "ok")).toBe(before);
});

test("a standby that is down is a missing node, costs one attempt, and counts again when it is back", async () => {
  await gate.decide("orders", dropUnused);
  await cluster.standby.stop();
  gate.advance(16);
  const decisions = [];
  for (let request = 0; request < 4; request++) decisions.push(await gate.decide("orders", dropUnused));
  for (const decision of decisions) {
    expect(decision.decision).toBe("rejected");
    expect(usageFinding(decision)).toEqual({
      outcome: "inconclusive",
      message: expect.stringContaining("orders-replica-1 could not be read"),
    });
    expect(decision.warnings).toEqual([
      expect.stringMatching(
        /^Evidence is missing\. orders-replica-1 \(127\.0\.0\.1:\d+\/postgres\): nothing listens there/,
      ),
    ]);
  }
  expect(await gate.reads("orders-replica-1", "failed")).toBe(1);
  const { status, text } = await gate.get("/readyz");
  expect(status).toBe(200);
  expect(JSON.parse(text).evidence).toContainEqual(
    expect.objectContaining({ node: "orders-replica-1", state: "failing", retryAt: expect.any(String) }),
  );

  await cluster.standby.restart();
  expect((await gate.decide("orders", dropUnused)).decision).toBe("rejected");
  gate.advance(0.1);
  expect(await gate.decide("orders", dropUnused)).toMatchObject({ decision: "approved", warnings: [] });
  expect(await gate.reads("orders-replica-1", "failed")).toBe(1);
});

test("counters that somebody sends do not stand in for a node that cannot be read", async () => {
  await cluster.standby.stop();
  gate.advance(16);
  const stored = await gate.query(
    "SELECT body FROM plangate.evidence_bundles WHERE server = 'orders-replica-1' ORDER BY captured_at DESC LIMIT 1",
  );
  const forged = { ...(stored[0]?.body as object), capturedAt: new Date().toISOString() };
  const decision = await gate.decide("orders", dropUnused, { environment: "staging", evidence: [forged] });
  expect(usageFinding(decision)).toEqual({
    outcome: "inconclusive",
    message: expect.stringContaining("orders-replica-1 could not be read"),
  });
  await cluster.standby.restart();
  gate.advance(0.2);
});

test("a server that takes connections and never answers costs one timeout, not one for each request", async () => {
  await gate.decide("hung", dropUnused);
  const before = hung.connections();
  gate.advance(1);
  const decisions = await Promise.all(Array.from({ length: 5 }, () => gate.decide("hung", dropUnused)));
  decisions.push(await gate.decide("hung", dropUnused));
  for (const decision of decisions) {
    expect(decision.decision).toBe("rejected");
    expect(decision.warnings.join()).toContain("the server accepts connections but did not answer within 5 s");
  }
  expect(hung.connections()).toBe(before + 1);
});

test("a wrong password is told without the password", async () => {
  const decision = await gate.decide("wrong-password", dropUnused);
  expect(decision.decision).toBe("rejected");
  expect(decision.warnings.join()).toMatch(/Evidence is missing\. locked .*the password was refused/);
  const everything = [JSON.stringify(decision), gate.logged()];
  for (const path of ["/metrics", "/readyz", "/openapi.json", `/v1/decisions/${decision.id}`]) {
    everything.push((await gate.get(path)).text);
  }
  expect(everything.join()).toContain("locked");
  expect(everything.join()).not.toContain("hunter2");
});

test("a server of another cluster is refused", async () => {
  const decision = await gate.decide("other-cluster", dropUnused);
  expect(usageFinding(decision).outcome).toBe("inconclusive");
  expect(decision.warnings.join()).toMatch(
    /wrong-cluster .*: it is of the cluster \d+, and other-cluster is the cluster 1/,
  );
  expect(await gate.query("SELECT 1 FROM plangate.evidence_bundles WHERE server = 'wrong-cluster'")).toEqual([]);
});

test("a database that the gate does not read, or none: what was sent counts, and the decision says so", async () => {
  const unknown = await gate.decide("invoices", dropUnused);
  expect(unknown.decision).toBe("rejected");
  expect(unknown.warnings).toContainEqual(
    'The gate reads no server of the database "invoices"; plangate.yaml has: orders, other-cluster, wrong-password, hung. Only evidence that was sent counts.',
  );
  const none = await gate.decide(null, dropUnused);
  expect(none.decision).toBe("rejected");
  expect(none.warnings).toContainEqual(expect.stringContaining("The request names no database"));
});

describe("how old an index is", () => {
  const drop = "DROP INDEX CONCURRENTLY idx_orders_new;";
  const create = "CREATE INDEX idx_orders_new ON orders (created_at, user_id)";
  const scan = "SET enable_seqscan = off; SELECT count(*) FROM orders WHERE created_at > '2026-01-01' AND user_id = 5";
  const onPrimary = async (sql: string) => {
    await query(cluster.primary.url, sql);
    await waitForReplay(cluster.primary, cluster.standby);
    gate.advance(16);
    return usageFinding(await gate.decide("orders", drop));
  };
  const remembered = async () => {
    const [age] = await gate.query(
      "SELECT seen_since AS since, appeared FROM plangate.index_ages WHERE database = 'orders' AND index_name = 'idx_orders_new'",
    );
    return age;
  };

  test("is known of one that appears while the gate looks, also after REINDEX CONCURRENTLY, and anew after DROP and CREATE", async () => {
    const young = {
      outcome: "inconclusive",
      message: expect.stringContaining("the index was first seen on orders-primary at"),
    };
    expect(await onPrimary(create)).toEqual(young);
    const first = await remembered();
    expect(first?.appeared).toBe(true);
    await sleep(1_500);
    expect((await onPrimary("SELECT 1")).outcome).toBe("pass");

    expect((await onPrimary(scan)).outcome).toBe("fail");
    expect((await onPrimary("REINDEX INDEX CONCURRENTLY idx_orders_new")).outcome).toBe("fail");
    expect(await remembered()).toEqual(first);

    expect(await onPrimary(`DROP INDEX idx_orders_new; ${create}`)).toEqual(young);
    expect((await remembered())?.since).not.toEqual(first?.since);
  });

  test("is not known of those that were there before, which holds nothing up", async () => {
    expect(
      await gate.query(
        "SELECT appeared FROM plangate.index_ages WHERE database = 'orders' AND index_name = 'idx_orders_user_id'",
      ),
    ).toEqual([{ appeared: false }]);
  });

  test("is nobody's claim: what is asserted leaves no trace", async () => {
    const row = { schema: "public", table: "t", index: "i", scans: 0, firstSeen: "2020-01-01T00:00:00Z" };
    const bundle = {
      version: 1,
      capturedAt: "2020-02-01T00:00:00Z",
      server: { name: "p", role: "primary" },
      catalog: { indexes: [{ schema: "public", table: "t", name: "i", keys: [{ column: "c" }] }] },
      indexUsage: { rows: [row] },
    };
    expect((await gate.post("/v1/evidence?database=claimed", bundle)).status).toBe(201);
    expect(await gate.query("SELECT 1 FROM plangate.index_ages WHERE database = 'claimed'")).toEqual([]);
  });
});

test("counters of before the window that a policy demands are at hand", async () => {
  const { text } = await gate.get("/v1/evidence?database=orders");
  const bundles: { server: string; sections: string[] }[] = JSON.parse(text).bundles;
  expect(bundles.map(({ server, sections }) => [server, sections.length > 1])).toEqual(
    expect.arrayContaining([
      ["orders-primary", true],
      ["orders-primary", false],
      ["orders-replica-1", true],
      ["orders-replica-1", false],
    ]),
  );
});

test("a server whose clock is ahead of the gate's is told, and what it says is not kept", async () => {
  const count = async () => (await gate.query("SELECT 1 FROM plangate.evidence_bundles")).length;
  const before = await count();
  gate.advance(-10_000);
  const decision = await gate.decide("orders", dropUnused);
  expect(usageFinding(decision).outcome).toBe("inconclusive");
  expect(decision.warnings.join()).toMatch(/orders-primary .*: its clock says .*; set the clocks of both\./);
  expect(await count()).toBe(before);
});

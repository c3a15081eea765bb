import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { collectFrom } from "../collect/collector.ts";
import { query, waitForReplay } from "../support/postgres-server.ts";
import { type Cluster, collectBoth, judge, latestPaid, prepare, startCluster, verdict } from "./cluster.ts";

/** How "idx_scan = 0, so it is safe" fails, each on real servers, from the counters to the verdict. */
let cluster: Cluster;
beforeAll(async () => {
  await loadGrammar();
  cluster = await startCluster();
});
afterAll(() => cluster?.cleanup());

const usage = "index-usage: { observedFor: 1s }";
const drop = (index: string) => `DROP INDEX CONCURRENTLY ${index};`;

/** Whole seconds from an instant to the newest bundle, and one more: a window that the instant does not fill. */
function longerThanSince(instant: Date, bundles: readonly { capturedAt: Date }[]): string {
  const newest = Math.max(...bundles.map(({ capturedAt }) => capturedAt.getTime()));
  return `index-usage: { observedFor: ${Math.ceil((newest - instant.getTime()) / 1000) + 1}s }`;
}

async function serverClock(): Promise<Date> {
  const [row] = (await query(cluster.primary.url, "SELECT clock_timestamp() AS now")) as { now: Date }[];
  if (row === undefined) throw new Error("no clock");
  return row.now;
}

test("scans on the standby alone: the drop is refused, and so it is without the standby's evidence", async () => {
  const at = await serverClock();
  for (let run = 0; run < 3; run++) await query(cluster.standby.url, latestPaid);
  const [primary, standby] = await collectBoth(cluster);
  if (primary === undefined || standby === undefined) throw new Error("two bundles");
  const usage = longerThanSince(at, [primary, standby]);
  const both = verdict(
    judge([primary, standby], drop("idx_orders_user_id_ca"), usage),
    "index-usage",
    "idx_orders_user_id_ca",
  );
  expect(both.outcome).toBe("fail");
  expect(both.message).toMatch(/in use: [1-9]\d* scans? on standby/);
  expect(
    verdict(judge([primary], drop("idx_orders_user_id_ca"), usage), "index-usage", "idx_orders_user_id_ca"),
  ).toEqual({
    outcome: "inconclusive",
    message: expect.stringContaining("the primary reports 1 standby and there is evidence of 0"),
  });
});

test("the index that no node scanned and another one covers may go", async () => {
  const rules = `${usage}\nindex-redundancy: {}\nindex-role: {}\nconcurrent-index: {}`;
  const decision = judge(await collectBoth(cluster), drop("idx_orders_user_id"), rules);
  expect(decision.findings.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
  expect(decision.allowed).toBe(true);
});

test("one server under two names is one node", async () => {
  const bundles = [
    await collectFrom(cluster.primary, { name: "orders-a" }),
    await collectFrom(cluster.primary, { name: "orders-b" }),
  ];
  const named = judge(
    bundles,
    drop("idx_orders_user_id"),
    "index-usage: { observedFor: 1s, nodes: [orders-a, orders-b] }",
  );
  expect(verdict(named, "index-usage", "idx_orders_user_id")).toEqual({
    outcome: "inconclusive",
    message: expect.stringContaining("there is no evidence of orders-b"),
  });
});

test("REINDEX CONCURRENTLY gives a new oid and keeps the counters: the index is known by its name", async () => {
  const at = await serverClock();
  await query(cluster.primary.url, latestPaid);
  const before = await collectBoth(cluster);
  await query(cluster.primary.url, "REINDEX INDEX CONCURRENTLY idx_orders_user_id_ca");
  await waitForReplay(cluster.primary, cluster.standby);
  const after = await collectBoth(cluster);
  const oidOf = (bundles: typeof before) =>
    bundles[0]?.indexUsage?.rows.find(({ index }) => index === "idx_orders_user_id_ca")?.oid;
  expect(oidOf(after)).not.toBe(oidOf(before));
  expect(
    verdict(
      judge(after, drop("idx_orders_user_id_ca"), longerThanSince(at, after)),
      "index-usage",
      "idx_orders_user_id_ca",
    ).outcome,
  ).toBe("fail");
});

test("a partitioned index has no row of its own: its partitions' scans count", async () => {
  await prepare(
    cluster.primary,
    `CREATE TABLE readings (at date NOT NULL, value int) PARTITION BY RANGE (at);
     CREATE TABLE readings_1 PARTITION OF readings FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
     INSERT INTO readings SELECT date '2026-01-01' + n % 31, n FROM generate_series(1, 20000) AS n;
     CREATE INDEX readings_value ON readings (value);`,
  );
  const at = await serverClock();
  await query(cluster.primary.url, "SELECT * FROM readings WHERE value = 42");
  await waitForReplay(cluster.primary, cluster.standby);
  const bundles = await collectBoth(cluster);
  const decision = judge(bundles, "DROP INDEX readings_value;", longerThanSince(at, bundles));
  expect(verdict(decision, "index-usage", "readings_value")).toEqual({
    outcome: "fail",
    message: expect.stringMatching(/readings_value on readings is in use: [1-9]/),
  });
});

test("plain EXPLAIN raises the counter: what was explained before it was collected looks used", async () => {
  await prepare(cluster.primary, "CREATE INDEX idx_orders_created ON orders (created_at);");
  await waitForReplay(cluster.primary, cluster.standby);
  const clean = judge(await collectBoth(cluster), drop("idx_orders_created"), usage);
  expect(verdict(clean, "index-usage", "idx_orders_created").outcome).toBe("pass");
  const at = await serverClock();
  await query(cluster.primary.url, "EXPLAIN SELECT max(created_at) FROM orders WHERE created_at > now()");
  const bundles = await collectBoth(cluster);
  const touched = judge(bundles, drop("idx_orders_created"), longerThanSince(at, bundles));
  expect(verdict(touched, "index-usage", "idx_orders_created").outcome).toBe("fail");
});

test("scans of long ago, none since: two bundles of one server show it", async () => {
  await query(cluster.primary.url, "SET enable_seqscan = off; SELECT count(*) FROM orders WHERE status = 'paid'");
  const before = await collectBoth(cluster);
  const since = await serverClock();
  await new Promise((done) => setTimeout(done, 2_500));
  const after = await collectBoth(cluster);
  expect(after[0]?.indexUsage?.rows.find(({ index }) => index === "idx_orders_status")?.scans).toBeGreaterThan(0);
  const alone = judge(after, drop("idx_orders_status"), longerThanSince(new Date(since.getTime() - 60_000), after));
  expect(verdict(alone, "index-usage", "idx_orders_status").outcome).toBe("fail");
  const together = judge([...after, ...before], drop("idx_orders_status"), usage);
  expect(verdict(together, "index-usage", "idx_orders_status").outcome).toBe("pass");
});

test("a manual reset of one table's counters starts every window again", async () => {
  const at = await serverClock();
  await query(cluster.primary.url, "SELECT pg_stat_reset_single_table_counters('users'::regclass)");
  const bundles = await collectBoth(cluster);
  expect(
    verdict(
      judge(bundles, drop("idx_orders_user_id"), longerThanSince(at, bundles)),
      "index-usage",
      "idx_orders_user_id",
    ),
  ).toEqual({
    outcome: "inconclusive",
    message: expect.stringContaining("primary counts only since"),
  });
});

test("a crash zeroes the counters and leaves pg_stat_database.stats_reset as it was", async () => {
  for (let run = 0; run < 3; run++) await query(cluster.primary.url, latestPaid);
  const at = await serverClock();
  await cluster.primary.kill9();
  await cluster.primary.restart();
  const bundles = await collectBoth(cluster);
  const zero = bundles[0]?.indexUsage?.rows.find(({ index }) => index === "idx_orders_user_id");
  expect(zero?.scans).toBe(0);
  const decision = judge(bundles, drop("idx_orders_user_id"), longerThanSince(at, bundles));
  expect(verdict(decision, "index-usage", "idx_orders_user_id")).toEqual({
    outcome: "inconclusive",
    message: expect.stringContaining("primary counts only since"),
  });
});

test("a promoted standby starts again: what it counted was a replica's work", async () => {
  const at = await serverClock();
  await cluster.primary.stop();
  await query(cluster.standby.url, "SELECT pg_promote()");
  const bundles = [await collectFrom(cluster.standby, { name: "standby" })];
  expect(bundles[0]?.server.role).toBe("primary");
  const decision = judge(bundles, drop("idx_orders_user_id"), longerThanSince(at, bundles));
  expect(verdict(decision, "index-usage", "idx_orders_user_id").outcome).toBe("inconclusive");
});

import { Client } from "pg";
import { type PostgresServer, query, startStandby, waitForReplay } from "../support/postgres-server.ts";
import { collectFrom, scansOf, startCollected } from "./collector.ts";

const orders = `
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, status text, created_at timestamptz);
INSERT INTO orders SELECT n, n % 1000, CASE WHEN n % 10 = 0 THEN 'paid' ELSE 'new' END, timestamptz '2026-01-01' + n * interval '1 second'
  FROM generate_series(1, 40000) AS n;
CREATE INDEX orders_user_status_created ON orders (user_id, status, created_at);
CREATE INDEX orders_created ON orders (created_at);
CREATE TABLE measurements (at date NOT NULL, value int) PARTITION BY RANGE (at);
CREATE TABLE measurements_january PARTITION OF measurements FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE measurements_february PARTITION OF measurements FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
INSERT INTO measurements SELECT date '2026-01-01' + n % 59, n FROM generate_series(1, 20000) AS n;
CREATE INDEX measurements_value ON measurements (value);
`;
const latestPaid = "SELECT * FROM orders WHERE user_id = 7 AND status = 'paid' ORDER BY created_at DESC LIMIT 20";
const composite = "orders_user_status_created";

async function now(server: PostgresServer): Promise<Date> {
  const [row] = (await query(server.url, "SELECT clock_timestamp() AS now")) as { now: Date }[];
  return row?.now ?? new Date(Number.NaN);
}

/** PostgreSQL 13 and 14 hand counters to a process that collects them now and then. */
async function scansWhen(server: PostgresServer, index: string, enough: (scans: number) => boolean) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const scans = scansOf(await collectFrom(server))[index] ?? Number.NaN;
    if (enough(scans)) return scans;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`The scans of ${index} never became what the test expects`);
}

describe.each([13, 15, 18] as const)("PostgreSQL %i", (major) => {
  let primary: PostgresServer;
  let standby: PostgresServer;
  const servers: PostgresServer[] = [];

  beforeAll(async () => {
    primary = await startCollected(major);
    servers.push(primary);
    await query(primary.url, orders);
    await query(primary.url, "VACUUM ANALYZE");
    await query(primary.url, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO plangate_collector");
    standby = await startStandby(primary);
    servers.push(standby);
    await waitForReplay(primary, standby);
  });
  afterAll(() => Promise.all(servers.map((server) => server.cleanup())));

  it("sees on the standby the scans that the primary does not show", async () => {
    const before = scansOf(await collectFrom(standby))[composite] ?? Number.NaN;
    for (let run = 0; run < 3; run++) await query(standby.url, latestPaid);
    await scansWhen(standby, composite, (scans) => scans === before + 3);
    const bundles = [await collectFrom(primary, { name: "primary" }), await collectFrom(standby, { name: "standby" })];
    expect(bundles.map(({ server }) => server.role)).toEqual(["primary", "replica"]);
    expect(bundles[0]?.server.systemIdentifier).toBe(bundles[1]?.server.systemIdentifier);
    expect(bundles.map((bundle) => scansOf(bundle)[composite])).toEqual([0, before + 3]);
    expect(bundles[0]?.server).toMatchObject({ standbys: 1, standbyNodes: [{ address: "127.0.0.1" }] });
    expect(bundles[1]?.server).toMatchObject({ standbys: 0 });
  });

  it("does not count logical subscribers as standbys", async () => {
    await query(primary.url, "CREATE PUBLICATION everything FOR ALL TABLES");
    await query(primary.url, "SELECT pg_create_logical_replication_slot('subscriber', 'pgoutput')");
    const subscriber = new Client({ connectionString: `${primary.url}?replication=database` });
    await subscriber.connect();
    const options = "(proto_version '1', publication_names 'everything')";
    const ended = subscriber.query(`START_REPLICATION SLOT subscriber LOGICAL 0/0 ${options}`).catch(() => undefined);
    const streaming = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'";
    while ((await query(primary.url, streaming)).length < 2) await new Promise((done) => setTimeout(done, 50));
    expect((await collectFrom(primary)).server).toMatchObject({ standbys: 1 });
    await Promise.all([subscriber.end(), ended]);
    await whenFree(primary);
    await query(primary.url, "SELECT pg_drop_replication_slot('subscriber')");
  });

  it("raises no counter itself", async () => {
    const before = scansOf(await collectFrom(primary));
    await collectFrom(primary);
    expect(scansOf(await collectFrom(primary))).toEqual(before);
  });

  it("counts the scans of partitions; their parent has no row", async () => {
    await query(primary.url, "SELECT * FROM measurements WHERE value = 30");
    await scansWhen(primary, "measurements_january_value_idx", (scans) => scans === 1);
    const { catalog, indexUsage } = await collectFrom(primary);
    const attached = catalog?.indexes?.filter(({ partitionOf }) => partitionOf?.name === "measurements_value");
    const rows = indexUsage?.rows.filter(({ table }) => table.startsWith("measurements"));
    expect(attached?.map(({ name }) => name)).toEqual(rows?.map(({ index }) => index));
    expect(rows?.map(({ scans }) => scans)).toEqual([1, 1]);
  });

  it("finds the counters of an index under its name after REINDEX CONCURRENTLY, with another oid", async () => {
    await query(primary.url, latestPaid);
    const scans = await scansWhen(primary, composite, (count) => count > 0);
    const row = async () => (await collectFrom(primary)).indexUsage?.rows.find(({ index }) => index === composite);
    const before = await row();
    await query(primary.url, `REINDEX INDEX CONCURRENTLY ${composite}`);
    await scansWhen(primary, composite, (count) => count === scans);
    const after = await row();
    expect(after?.scans).toBe(before?.scans);
    expect(after?.oid).not.toBe(before?.oid);
  });

  it("knows the last scan from PostgreSQL 16 on", async () => {
    const row = (await collectFrom(primary)).indexUsage?.rows.find(({ index }) => index === composite);
    if (major >= 16) expect(Date.now() - (row?.lastScan?.getTime() ?? 0)).toBeLessThan(600_000);
    else expect(row?.lastScan).toBeUndefined();
  });

  it("keeps the window over a clean restart", async () => {
    const before = await collectFrom(primary);
    await primary.restart();
    const after = await collectFrom(primary);
    expect(after.indexUsage?.windowStart).toEqual(before.indexUsage?.windowStart);
    expect(scansOf(after)).toEqual(scansOf(before));
    expect(after.server.startedAt?.getTime()).toBeGreaterThan(before.server.startedAt?.getTime() ?? 0);
  });

  it("starts a new window when the counters of any one table are reset", async () => {
    const moment = await now(primary);
    await query(primary.url, "SELECT pg_stat_reset_single_table_counters('measurements_january'::regclass)");
    let start = 0;
    for (let attempt = 0; attempt < 50 && start < moment.getTime(); attempt++) {
      start = (await collectFrom(primary)).indexUsage?.windowStart?.getTime() ?? 0;
    }
    expect(start).toBeGreaterThanOrEqual(moment.getTime());
  });

  it("starts a new window when a killed backend takes all counters with it, though the server has not restarted", async () => {
    const { startedAt } = (await collectFrom(primary)).server;
    const moment = await now(primary);
    const [backend] = await query(primary.url, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'");
    process.kill(Number(backend?.pid), "SIGKILL");
    const bundle = await whenCountingSince(primary, moment);
    expect(bundle.server.startedAt).toEqual(startedAt);
    expect(scansOf(bundle)[composite]).toBe(0);
  });

  it("starts a new window after a crash, though pg_stat_database shows no reset", async () => {
    await query(primary.url, latestPaid);
    await scansWhen(primary, composite, (scans) => scans > 0);
    const moment = await now(primary);
    await primary.kill9();
    await primary.restart();
    const [reset] = await query(
      primary.url,
      "SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()",
    );
    if (major >= 15) expect(reset?.stats_reset).toBeNull();
    const bundle = await collectFrom(primary);
    expect(scansOf(bundle)[composite]).toBe(0);
    expect(bundle.indexUsage?.windowStart?.getTime()).toBeGreaterThanOrEqual(moment.getTime());
  });

  it("knows no window where scans are not counted", async () => {
    await query(primary.url, "ALTER SYSTEM SET track_counts = off");
    await query(primary.url, "SELECT pg_reload_conf()");
    const off = await whenNoted(primary);
    expect(off.indexUsage?.windowStart).toBeUndefined();
    expect(off.notes).toContain("track_counts is off: scans are not counted");
    await query(primary.url, "ALTER SYSTEM RESET track_counts");
    await query(primary.url, "SELECT pg_reload_conf()");
  });

  it("knows no window where the scans of some are not counted", async () => {
    await query(primary.url, "CREATE ROLE reporting");
    await query(primary.url, "ALTER ROLE reporting SET track_counts = off");
    const { indexUsage, notes } = await whenNoted(primary);
    expect(indexUsage?.windowStart).toBeUndefined();
    expect(notes).toEqual(expect.arrayContaining([expect.stringContaining("not every scan is counted")]));
    await query(primary.url, "DROP ROLE reporting");
  });

  it("starts a new window when a standby is promoted: what it counted was a replica's work", async () => {
    const before = await collectFrom(standby);
    const moment = await now(standby);
    expect(before.indexUsage?.windowStart?.getTime()).toBeLessThan(moment.getTime());
    await primary.stop();
    await query(standby.url, "SELECT pg_promote()");
    const bundle = await collectFrom(standby);
    expect(bundle.server.role).toBe("primary");
    // The file system's clock ticks in milliseconds and the bundle's times have no more digits.
    expect(bundle.indexUsage?.windowStart?.getTime()).toBeGreaterThanOrEqual(moment.getTime() - 1000);
  });
});

async function whenFree(server: PostgresServer) {
  const active = "SELECT 1 FROM pg_replication_slots WHERE active";
  while ((await query(server.url, active)).length > 0) await new Promise((done) => setTimeout(done, 50));
}

async function whenCountingSince(server: PostgresServer, moment: Date) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const bundle = await collectFrom(server).catch(() => null);
    if (bundle?.indexUsage?.windowStart != null && bundle.indexUsage.windowStart >= moment) return bundle;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error("The server never came back with new counters");
}

/** A reload reaches new sessions within moments. */
async function whenNoted(server: PostgresServer) {
  for (let attempt = 0; attempt < 50; attempt++) {
    const bundle = await collectFrom(server);
    if (bundle.notes?.some((note) => note.startsWith("track_counts"))) return bundle;
    await new Promise((done) => setTimeout(done, 100));
  }
  return collectFrom(server);
}

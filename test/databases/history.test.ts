import { openStore, type Store } from "../../src/adapters/store/store.ts";
import type { ReceivedBundle } from "../../src/app/ports.ts";
import { parseEvidence, sectionsOf, type Trust } from "../../src/core/evidence/bundle.ts";
import { realDatabase, type TestDatabase } from "../store/databases.ts";

/** What the store keeps of readings that come every few minutes, and what it gives a decision. */
const day = 86_400_000;
const today = new Date("2026-03-11T12:00:00.000Z");
const daysAgo = (days: number) => new Date(today.getTime() - days * day);

let database: TestDatabase;
const stores: Store[] = [];
beforeAll(async () => {
  database = await realDatabase();
});
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await database?.cleanup();
});

async function openAt(now: Date): Promise<Store> {
  const store = await openStore({ ...database.target, clock: { now: () => now }, evidenceRetentionMs: null });
  stores.push(store);
  return store;
}

function bundle(server: string, capturedAt: Date, trust: Trust = "pulled", cluster = "7412"): ReceivedBundle {
  const raw = {
    version: 1,
    capturedAt: capturedAt.toISOString(),
    server: { name: server, role: "primary", systemIdentifier: cluster },
    indexUsage: { rows: [{ schema: "public", table: "orders", index: "a", oid: 1, scans: 7 }] },
    catalog: { indexes: [{ schema: "public", table: "orders", name: "a", keys: [{ column: "user_id" }] }] },
    statements: { complete: true, rows: [] },
  };
  const [parsed] = parseEvidence(raw, "test", trust);
  if (parsed === undefined) throw new Error("no bundle");
  return { raw, parsed };
}

/** Adds bundles as a gate would have, each at its own moment. */
async function addAll(name: string, bundles: readonly ReceivedBundle[]): Promise<void> {
  for (const received of bundles) {
    const store = await openAt(received.parsed.bundle.capturedAt);
    await store.evidence.add(name, [received], "gate");
    await store.close();
    stores.splice(stores.indexOf(store), 1);
  }
}

const given = async (store: Store, name: string, lookBacks: number[] = []) =>
  (await store.evidence.bundlesOf(name, lookBacks)).map(({ bundle, trust }) => ({
    node: `${bundle.server.name} ${trust}`,
    daysAgo: (today.getTime() - bundle.capturedAt.getTime()) / day,
    sections: sectionsOf(bundle),
  }));

test("of what was pulled a decision gets the newest of each node, and counters of the times that policies ask for", async () => {
  await addAll("orders", [
    ...[60, 40, 34, 1, 0].map((days) => bundle("primary", daysAgo(days))),
    ...[36, 0.5].map((days) => bundle("replica", daysAgo(days))),
  ]);
  const store = await openAt(today);
  const whole = ["indexUsage", "catalog", "statements"];
  expect(await given(store, "orders")).toEqual([
    { node: "primary pulled", daysAgo: 0, sections: whole },
    { node: "replica pulled", daysAgo: 0.5, sections: whole },
  ]);
  expect(await given(store, "orders", [35 * day, 50 * day])).toEqual([
    { node: "primary pulled", daysAgo: 0, sections: whole },
    { node: "replica pulled", daysAgo: 0.5, sections: whole },
    { node: "replica pulled", daysAgo: 36, sections: ["indexUsage"] },
    { node: "primary pulled", daysAgo: 40, sections: ["indexUsage"] },
    { node: "primary pulled", daysAgo: 60, sections: ["indexUsage"] },
  ]);
});

test("counters of long ago are given for pushed bundles too, far beyond the newest ten", async () => {
  const days = [40, ...Array.from({ length: 30 }, (_, index) => 30 - index)];
  await addAll(
    "pushed",
    days.map((ago) => bundle("primary", daysAgo(ago), "signed")),
  );
  const found = await given(await openAt(today), "pushed", [35 * day]);
  expect(found).toHaveLength(11);
  expect(found.at(-1)).toEqual({ node: "primary signed", daysAgo: 40, sections: ["indexUsage"] });
});

test("counters of another cluster are no history of this one", async () => {
  await addAll("upgraded", [bundle("primary", daysAgo(40), "pulled", "1111"), bundle("primary", today)]);
  expect(await given(await openAt(today), "upgraded", [35 * day])).toHaveLength(1);
});

test("after a day one set of counters a day remains, and the digest of what it was taken from", async () => {
  const readings = [48, 47, 30, 25, 23, 1].map((hours) => bundle("primary", daysAgo(hours / 24)));
  const lonely = bundle("lonely", daysAgo(30));
  await addAll("thinned", [...readings, lonely]);
  const store = await openAt(today);
  await store.prune();
  const rows = await database.query(
    "SELECT captured_at, sections FROM plangate.evidence_bundles WHERE database = 'thinned' AND server = 'primary' ORDER BY captured_at",
  );
  const hoursAgo = rows.map(({ captured_at: at, sections }) => [(today.getTime() - Number(at)) / 3_600_000, sections]);
  const whole = ["indexUsage", "catalog", "statements"];
  expect(hoursAgo).toEqual([
    [47, ["indexUsage"]],
    [23, whole],
    [1, whole],
  ]);
  const history = await store.evidence.bundlesOf("thinned", [1.9 * day]);
  expect(history.map(({ digest }) => digest)).toContain(readings[1]?.parsed.digest);
  // Nothing newer is known of this one.
  expect((await given(store, "thinned")).at(-1)).toEqual({ node: "lonely pulled", daysAgo: 30, sections: whole });
  await store.prune();
  expect(
    await database.query("SELECT 1 FROM plangate.evidence_bundles WHERE database = 'thinned' AND server = 'primary'"),
  ).toHaveLength(3);
});

test("after 400 days nothing of a reading remains but the newest", async () => {
  await addAll("old", [
    bundle("primary", daysAgo(401)),
    bundle("primary", daysAgo(399)),
    bundle("primary", daysAgo(2)),
  ]);
  const store = await openAt(today);
  await store.prune();
  expect(await given(store, "old", [300 * day, 400 * day])).toHaveLength(2);
});

test("several gates that read at the same moment remember every index once", async () => {
  const gates = await Promise.all([openAt(today), openAt(today), openAt(today)]);
  await Promise.all(
    gates.map((gate, position) => gate.evidence.add("shared", [bundle(`node-${position}`, today)], "gate")),
  );
  expect(await gates[0]?.evidence.indexAges("shared")).toMatchObject([
    {
      name: "a",
      seenSince: today,
      appeared: false,
      counters: new Map(gates.map((_, n) => [`node-${n}`, { oid: 1, scans: 7, capturedAt: today }])),
    },
  ]);
});

test("a signed bundle from the future is not remembered: it would outdo every bundle until then", async () => {
  const store = await openAt(today);
  await store.evidence.add("future", [bundle("primary", daysAgo(-1), "signed")], "collector");
  expect(await store.evidence.indexAges("future")).toEqual([]);
});

test("where the gate reads the database itself, what others signed makes no index older", async () => {
  await addAll("own", [bundle("primary", daysAgo(2)), bundle("primary", daysAgo(1))]);
  const store = await openAt(today);
  await store.evidence.add("own", [bundle("primary", daysAgo(300), "signed")], "collector");
  expect(await store.evidence.indexAges("own")).toMatchObject([{ seenSince: daysAgo(2) }]);
});

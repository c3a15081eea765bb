import { openStore } from "../../src/adapters/store/store.ts";
import type { EvidenceStore } from "../../src/app/ports.ts";
import { parseEvidence } from "../../src/core/evidence/bundle.ts";
import { realDatabase, type TestDatabase } from "./databases.ts";
import { clockAt, noon } from "./samples.ts";

const day = 24 * 3_600_000;
let database: TestDatabase;
beforeAll(async () => {
  database = await realDatabase();
});
afterAll(() => database.cleanup());

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});
async function open(at = noon) {
  const store = await openStore({ ...database.target, clock: clockAt(at), evidenceRetentionMs: 35 * day });
  opened.push(store);
  return store;
}

function bundle(server: string, capturedAt: string, trust: "asserted" | "pulled" = "asserted", scans = 0) {
  const row = { schema: "public", table: "orders", index: "orders_by_user", scans };
  const raw = {
    version: 1,
    capturedAt,
    server: { name: server, role: "replica" },
    indexUsage: { rows: [row] },
    statements: { complete: true, rows: [] },
  };
  return parseEvidence(raw, "a bundle", trust).map((parsed) => ({ raw, parsed }));
}

/** What a store that has not read anything before says is what is stored. */
async function expectAsStored(evidence: EvidenceStore, name: string, lookBacks: readonly number[] = []) {
  const found = await evidence.bundlesOf(name, lookBacks);
  expect(found).toEqual(await (await open()).evidence.bundlesOf(name, lookBacks));
  return found;
}

test("a stored bundle is parsed once", async () => {
  const { evidence } = await open();
  await evidence.add("once", bundle("replica-1", "2026-03-11T00:00:00Z"), "ci");
  const [first] = await evidence.bundlesOf("once");
  const [second] = await expectAsStored(evidence, "once");
  expect(second?.bundle).toBe(first?.bundle);
});

test("the same bundle is told for each database it was stored for", async () => {
  const { evidence } = await open();
  for (const name of ["one", "one two"]) await evidence.add(name, bundle("replica-1", "2026-03-11T00:00:00Z"), "ci");
  for (const name of ["one", "one two", "one"]) expect(await expectAsStored(evidence, name)).toHaveLength(1);
});

test("what another gate adds, changes and forgets is seen at once", async () => {
  const { evidence } = await open();
  const other = await open(new Date(noon.getTime() + 40 * day));
  const sent = bundle("replica-1", "2026-03-11T00:00:00Z");
  await evidence.add("shared", sent, "ci");
  await evidence.bundlesOf("shared");
  await other.evidence.add("shared", bundle("replica-1", "2026-03-11T01:00:00Z", "asserted", 7), "ci");
  expect(await expectAsStored(evidence, "shared")).toHaveLength(2);
  await other.evidence.add(
    "shared",
    sent.map(({ raw, parsed }) => ({ raw, parsed: { ...parsed, trust: "signed" as const, signedBy: "sha256:key" } })),
    "ci",
  );
  expect((await expectAsStored(evidence, "shared")).map(({ trust }) => trust).sort()).toEqual(["asserted", "signed"]);
  await database.query("DELETE FROM plangate.evidence_bundles WHERE database = 'shared' AND trust = 'asserted'");
  expect(await expectAsStored(evidence, "shared")).toHaveLength(1);
});

test("a bundle that is looked back to comes with its counters alone, and whole where it is the newest", async () => {
  const { evidence } = await open();
  await evidence.add("history", bundle("db-1", "2026-02-01T00:00:00Z", "pulled"), "gate");
  const statementsOf = async () =>
    (await expectAsStored(evidence, "history", [10 * day])).map(({ bundle: { statements } }) => statements != null);
  expect(await statementsOf()).toEqual([true]);
  await evidence.add("history", bundle("db-1", "2026-03-11T00:00:00Z", "pulled", 3), "gate");
  expect(await statementsOf()).toEqual([true, false]);
  await database.query(
    "DELETE FROM plangate.evidence_bundles WHERE database = 'history' AND captured_at > '2026-03-01'",
  );
  expect(await statementsOf()).toEqual([true]);
});

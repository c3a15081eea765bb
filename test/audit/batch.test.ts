import type { Store } from "../../src/adapters/store/store.ts";
import type { OverrideRecord } from "../../src/core/override.ts";
import { cli } from "../cli/run.ts";
import { noon, sampleRecord } from "../store/samples.ts";
import { type PostgresServer, query, startPostgres } from "../support/postgres-server.ts";
import { openSampleStore } from "./chain.ts";

let server: PostgresServer;
let store: Store;
beforeAll(async () => {
  server = await startPostgres({ major: 18 });
  store = await openSampleStore(server.url);
});
afterAll(async () => {
  await store.close();
  await server.cleanup();
});

const results = async (recordings: Promise<void>[]) =>
  (await Promise.allSettled(recordings)).map((result) =>
    result.status === "fulfilled" ? "recorded" : result.reason.code,
  );
const stored = async (id: string) => (await store.decisions.find(id)) !== null;

function usingUp(jti: string) {
  const override: OverrideRecord = {
    jti,
    by: "dba@example.com",
    kid: "dba",
    rules: ["change-window"],
    reason: "incident",
    ticket: null,
    issuedAt: noon.toISOString(),
    expiresAt: noon.toISOString(),
    consumed: true,
  };
  return sampleRecord({ overrides: [override], withoutOverrides: "rejected" });
}

test("decisions that come at once are appended in few transactions, in one chain", async () => {
  const records = Array.from({ length: 100 }, () => sampleRecord());
  expect(await results(records.map((record) => store.decisions.record(record)))).toEqual(records.map(() => "recorded"));
  const transactions = await query(server.url, "SELECT DISTINCT xmin::text FROM plangate.audit_entries");
  expect(transactions.length).toBeLessThanOrEqual(2);
});

test("a claim that was lost fails its own decision alone", async () => {
  const key = (name: string) => ({ caller: "ci", key: name, bodyDigest: "same" });
  const held = await store.idempotency.claim(key("held"));
  if (held.kind !== "claimed") throw new Error(held.kind);
  const [first, second, third] = [sampleRecord(), sampleRecord(), sampleRecord()];
  const lost = { caller: "ci", key: "held", claim: "of another gate" };
  expect(
    await results([
      store.decisions.record(first),
      store.decisions.record(second, lost),
      store.decisions.record(third, held.claim),
    ]),
  ).toEqual(["recorded", "idempotency-claim-lost", "recorded"]);
  expect(await stored(second.decision.id)).toBe(false);
  expect(await store.idempotency.claim(key("held"))).toEqual({ kind: "decided", decisionId: third.decision.id });
});

test("of decisions that use up the same override at once, at two gates, one is recorded", async () => {
  const other = await openSampleStore(server.url);
  const records = Array.from({ length: 20 }, () => usingUp("jti-once"));
  const answers = await results(records.map((record, n) => (n % 2 === 0 ? store : other).decisions.record(record)));
  await other.close();
  expect(answers.filter((answer) => answer === "recorded")).toHaveLength(1);
  expect(answers.filter((answer) => answer === "override-used")).toHaveLength(19);
  const winner = records[answers.indexOf("recorded")]?.decision.id;
  expect(await store.decisions.usedOverrides(["jti-once"])).toEqual(new Map([["jti-once", winner]]));
});

test("a decision that the database refuses to hold fails alone", async () => {
  const [first, refused, third] = [sampleRecord(), sampleRecord({ commit: "nul \u0000" }), sampleRecord()];
  expect(await results([first, refused, third].map((record) => store.decisions.record(record)))).toEqual([
    "recorded",
    "store-unavailable",
    "recorded",
  ]);
  expect(await stored(refused.decision.id)).toBe(false);
});

test("the same key claimed many times at once is claimed once", async () => {
  const key = { caller: "ci", key: "many", bodyDigest: "same" };
  const answers = await Promise.all(Array.from({ length: 30 }, () => store.idempotency.claim(key)));
  expect(answers.filter(({ kind }) => kind === "claimed")).toHaveLength(1);
  expect(answers.filter(({ kind }) => kind === "in-flight")).toHaveLength(29);
});

test("what is written in batches verifies", async () => {
  expect(await cli(["audit", "verify", "--database-url", server.url])).toMatchObject({ code: 0 });
});

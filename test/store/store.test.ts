import canonicalize from "canonicalize";
import { openDatabase } from "../../src/adapters/store/connection.ts";
import { migrateStore } from "../../src/adapters/store/migrate.ts";
import { openStore, type Store } from "../../src/adapters/store/store.ts";
import { digestOf, sha256Hex } from "../../src/core/digest.ts";
import { parseEvidence } from "../../src/core/evidence/bundle.ts";
import { embeddedDatabase, realDatabase, type TestDatabase } from "./databases.ts";
import { clockAt, noon, sampleRecord } from "./samples.ts";

const day = 86_400_000;

describe.each([
  { kind: "PostgreSQL 18", start: realDatabase },
  { kind: "the embedded Postgres", start: embeddedDatabase },
])("the store on $kind", ({ start }) => {
  let database: TestDatabase;
  const stores: Store[] = [];

  /** Another gate on the same database. */
  const open = async (at = noon) => {
    const store = await openStore({ ...database.target, clock: clockAt(at), evidenceRetentionMs: 35 * day });
    stores.push(store);
    return store;
  };
  beforeAll(async () => {
    database = await start();
  });
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });
  afterAll(() => database.cleanup());

  it("makes its schema once when two gates start at the same moment", async () => {
    await Promise.all([open(), open()]);
    const rows = await database.query("SELECT version, name FROM plangate.schema_migrations ORDER BY version");
    expect(rows).toEqual([
      { version: 1, name: "0001_decisions_and_audit" },
      { version: 2, name: "0002_evidence_bundles" },
      { version: 3, name: "0003_evidence_signers" },
      { version: 4, name: "0004_pulled_evidence" },
      { version: 5, name: "0005_consumed_overrides" },
      { version: 6, name: "0006_audit_checkpoints" },
      { version: 7, name: "0007_notifications" },
      { version: 8, name: "0008_admissions" },
      { version: 9, name: "0009_overrides_in_chain" },
    ]);
  });

  it("gives a decision back as it was made", async () => {
    const store = await open();
    const record = sampleRecord({ warnings: ["nul \u0000, 漢字 and 🚀 stay what they are"] });
    await store.decisions.record(record);
    expect(await store.decisions.find(record.decision.id)).toEqual(record);
    expect(await store.decisions.find("dec_unknown")).toBeNull();
  });

  it("lists the newest first, filters, and goes on before a decision", async () => {
    const store = await open();
    const records = ["rejected", "approved", "rejected"].map((decision) =>
      sampleRecord({ service: "listed", decision: decision as "approved" | "rejected" }),
    );
    for (const record of records) await store.decisions.record(record);
    const [first, second, third] = records.map(({ decision }) => decision.id);
    const list = async (query: { decision?: "rejected"; before?: string; limit?: number; environment?: string }) => {
      const defaults = { service: "listed", environment: null, decision: null, before: null, limit: 10 };
      return (await store.decisions.list({ ...defaults, ...query })).map(({ decision }) => decision.id);
    };
    expect(await list({})).toEqual([third, second, first]);
    expect(await list({ limit: 2 })).toEqual([third, second]);
    expect(await list({ before: second })).toEqual([first]);
    expect(await list({ decision: "rejected" })).toEqual([third, first]);
    expect(await list({ environment: "staging" })).toEqual([]);
    await expect(list({ before: "dec_unknown" })).rejects.toMatchObject({ code: "bad-request" });
  });

  it("knows which commits were approved for a deploy", async () => {
    const store = await open();
    const shipped = { service: "payments", environment: "production", commit: "c0ffee" };
    await store.decisions.record(sampleRecord({ ...shipped, decision: "rejected" }));
    await store.decisions.record(sampleRecord(shipped, "rollback"));
    expect(await store.decisions.wasApproved(shipped)).toBe(false);
    await store.decisions.record(sampleRecord(shipped));
    expect(await store.decisions.wasApproved(shipped)).toBe(true);
    expect(await store.decisions.wasApproved({ ...shipped, environment: "staging" })).toBe(false);
  });

  describe("the audit chain", () => {
    it("has one entry per decision and does not fork when several gates append at once", async () => {
      const gates = await Promise.all([open(), open(), open()]);
      const records = Array.from({ length: 30 }, () => sampleRecord({ service: "chained" }));
      await Promise.all(records.map((record, index) => gates[index % 3]?.decisions.record(record)));
      const entries = await database.query("SELECT * FROM plangate.audit_entries ORDER BY sequence");
      let previous = "0".repeat(64);
      for (const [index, entry] of entries.entries()) {
        const body = JSON.parse(String(entry.body));
        expect(Number(entry.sequence)).toBe(index + 1);
        expect(body).toMatchObject({ sequence: index + 1, previousHash: previous, kind: "decision" });
        expect(entry.body).toBe(canonicalize(body));
        expect(entry.hash).toBe(sha256Hex(String(entry.body)));
        previous = String(entry.hash);
      }
      const decisions = await database.query("SELECT id FROM plangate.decisions ORDER BY audit_sequence");
      expect(entries.map(({ body }) => JSON.parse(String(body)).decisionId)).toEqual(decisions.map(({ id }) => id));
    });

    it("ties the stored decision to its entry by digest", async () => {
      const store = await open();
      const record = sampleRecord();
      await store.decisions.record(record);
      const [row] = await database.query(
        `SELECT entry.body AS entry, decision.body AS decision, request
         FROM plangate.decisions AS decision JOIN plangate.audit_entries AS entry ON entry.sequence = audit_sequence
         WHERE id = $1`,
        [record.decision.id],
      );
      expect(JSON.parse(String(row?.entry))).toMatchObject({
        decisionDigest: digestOf(row?.decision),
        requestRecordDigest: digestOf(row?.request),
      });
    });

    it.each([
      "UPDATE plangate.audit_entries SET body = ''",
      "DELETE FROM plangate.audit_entries",
      "TRUNCATE plangate.audit_entries CASCADE",
      "UPDATE plangate.decisions SET decision = 'approved'",
      "DELETE FROM plangate.decisions WHERE false",
      "TRUNCATE plangate.decisions CASCADE",
    ])("refuses %s", async (sql) => {
      await expect(database.query(sql)).rejects.toMatchObject({ code: "55000" });
    });

    it("keeps nothing of a decision that cannot be stored", async () => {
      const store = await open();
      const record = sampleRecord();
      await store.decisions.record(record);
      const count = async () => (await database.query("SELECT count(*)::int AS n FROM plangate.audit_entries"))[0]?.n;
      const before = await count();
      await expect(store.decisions.record(record)).rejects.toMatchObject({ code: "store-unavailable" });
      expect(await count()).toBe(before);
    });
  });

  describe("an idempotency key", () => {
    const key = { caller: "ci", bodyDigest: "one" };

    it("is claimed by one of many, in flight for the others, and decided afterwards", async () => {
      const gates = await Promise.all([open(), open()]);
      const asked = { ...key, key: "parallel" };
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) => gates[index % 2]?.idempotency.claim(asked)),
      );
      expect(answers.map((answer) => answer?.kind).sort()).toEqual(["claimed", ...Array(9).fill("in-flight")]);
      const won = answers.find((answer) => answer?.kind === "claimed");
      const record = sampleRecord();
      await gates[0]?.decisions.record(record, won?.kind === "claimed" ? won.claim : undefined);
      expect(await gates[1]?.idempotency.claim(asked)).toEqual({ kind: "decided", decisionId: record.decision.id });
    });

    it("is refused with another body, and belongs to its caller alone", async () => {
      const { idempotency } = await open();
      await idempotency.claim({ ...key, key: "body" });
      expect(await idempotency.claim({ ...key, key: "body", bodyDigest: "two" })).toEqual({ kind: "other-body" });
      expect(await idempotency.claim({ caller: "other", key: "body", bodyDigest: "two" })).toMatchObject({
        kind: "claimed",
      });
    });

    it("is free again once its claim was released", async () => {
      const { idempotency } = await open();
      const answer = await idempotency.claim({ ...key, key: "released" });
      if (answer.kind === "claimed") await idempotency.release(answer.claim);
      expect(await idempotency.claim({ ...key, key: "released" })).toMatchObject({ kind: "claimed" });
    });

    it("passes from a gate that died to the next, and the dead gate's decision is not recorded", async () => {
      const slow = await open();
      const lost = await slow.idempotency.claim({ ...key, key: "lost" });
      const later = await open(new Date(noon.getTime() + 3 * 60_000));
      expect(await later.idempotency.claim({ ...key, key: "lost", bodyDigest: "two" })).toEqual({ kind: "other-body" });
      expect(await later.idempotency.claim({ ...key, key: "lost" })).toMatchObject({ kind: "claimed" });
      const record = sampleRecord();
      await expect(
        slow.decisions.record(record, lost.kind === "claimed" ? lost.claim : undefined),
      ).rejects.toMatchObject({ code: "idempotency-claim-lost" });
      expect(await slow.decisions.find(record.decision.id)).toBeNull();
    });

    it("is forgotten after 24 hours", async () => {
      const { idempotency, decisions } = await open();
      const answer = await idempotency.claim({ ...key, key: "old" });
      await decisions.record(sampleRecord(), answer.kind === "claimed" ? answer.claim : undefined);
      const nextDay = await open(new Date(noon.getTime() + day));
      expect(await nextDay.idempotency.claim({ ...key, key: "old", bodyDigest: "two" })).toMatchObject({
        kind: "claimed",
      });
    });
  });

  describe("evidence", () => {
    const bundle = (server: string, capturedAt: string, sections: object = {}) => {
      const raw = { version: 1, capturedAt, server: { name: server, role: "replica" }, ...sections };
      const [parsed] = parseEvidence(raw, "test", "asserted");
      if (parsed === undefined) throw new Error("no bundle");
      return { raw, parsed };
    };
    const usage = { indexUsage: { rows: [] } };
    const plans = { plans: [{ query: "SELECT 1", phase: "before", method: "explain", plan: "Result" }] };

    it("is given back newest first, with its digest, for its database only", async () => {
      const { evidence } = await open();
      const older = bundle("replica-1", "2026-03-10T00:00:00Z");
      const newer = bundle("replica-1", "2026-03-11T00:00:00Z", plans);
      await evidence.add("orders", [older, newer], "local");
      await evidence.add("orders", [older], "local");
      await evidence.add("other", [bundle("replica-9", "2026-03-11T00:00:00Z")], "local");
      expect(await evidence.bundlesOf("orders")).toEqual([newer.parsed, older.parsed]);
    });

    it("keeps the newest of each section, so that frequent counters push no plans out", async () => {
      const { evidence } = await open();
      const withPlans = bundle("replica-1", "2026-03-09T00:00:00Z", plans);
      const counters = Array.from({ length: 12 }, (_, hour) =>
        bundle("replica-1", `2026-03-10T${String(hour).padStart(2, "0")}:00:00Z`, usage),
      );
      await evidence.add("busy", [withPlans, ...counters], "local");
      const captured = (await evidence.bundlesOf("busy")).map(({ bundle: { capturedAt } }) => capturedAt.toISOString());
      expect(captured).toHaveLength(11);
      expect(captured[0]).toBe("2026-03-10T11:00:00.000Z");
      expect(captured.at(-1)).toBe("2026-03-09T00:00:00.000Z");
    });

    it("is forgotten after its retention", async () => {
      const { evidence } = await open();
      await evidence.add("kept", [bundle("replica-1", "2026-03-11T00:00:00Z")], "local");
      const later = await open(new Date(noon.getTime() + 36 * day));
      expect(await later.evidence.bundlesOf("kept")).toEqual([]);
      await later.prune();
      expect(await database.query("SELECT * FROM plangate.evidence_bundles WHERE database = 'kept'")).toEqual([]);
    });

    it("gains trust when it is sent again, and never loses any", async () => {
      const { evidence } = await open();
      const asserted = bundle("replica-1", "2026-03-11T00:00:00Z");
      const signedBy = (key: string) => ({
        raw: { ...asserted.raw, signature: key },
        parsed: { ...asserted.parsed, trust: "signed" as const, signedBy: key },
      });
      const pulled = { raw: asserted.raw, parsed: { ...asserted.parsed, trust: "pulled" as const } };
      const stored = async () => (await evidence.bundlesOf("raised")).map(({ trust, signedBy: by }) => [trust, by]);
      for (const [sent, expected] of [
        [asserted, ["asserted", undefined]],
        [signedBy("sha256:a"), ["signed", "sha256:a"]],
        [asserted, ["signed", "sha256:a"]],
        [signedBy("sha256:b"), ["signed", "sha256:b"]],
        [pulled, ["pulled", undefined]],
        [signedBy("sha256:a"), ["pulled", undefined]],
        [asserted, ["pulled", undefined]],
      ] as const) {
        await evidence.add("raised", [sent], "local");
        expect(await stored()).toEqual([expected]);
      }
    });

    it("takes bundles of several megabytes", async () => {
      const { evidence } = await open();
      const rows = Array.from({ length: 20_000 }, (_, n) => ({
        schema: "public",
        table: "orders",
        index: `idx_${n}_${"x".repeat(200)}`,
        scans: n,
      }));
      const big = bundle("replica-1", "2026-03-11T00:00:00Z", { indexUsage: { rows } });
      await evidence.add("big", [big], "local");
      expect((await evidence.bundlesOf("big"))[0]?.bundle.indexUsage?.rows).toHaveLength(20_000);
    });
  });

  describe("schema migrations", () => {
    it("refuse a store that a newer gate has made, and a file that was changed after it was applied", async () => {
      const connection = openDatabase(database.target);
      try {
        const first = { version: 1, name: "0001_decisions_and_audit", sql: "SELECT 1" };
        await expect(migrateStore(connection, [first])).rejects.toMatchObject({ code: "schema-drift" });
        await expect(migrateStore(connection, [])).rejects.toMatchObject({ code: "schema-newer" });
      } finally {
        await connection.close();
      }
    });
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfigFile } from "../../src/adapters/config/config.ts";
import type { OverrideRecord } from "../../src/core/override.ts";
import { cli } from "../cli/run.ts";
import { startTestGate, type TestGate } from "../http/gate.ts";
import { people } from "../override/people.ts";
import { noon, sampleRecord } from "../store/samples.ts";
import { type PostgresServer, query, startPostgres } from "../support/postgres-server.ts";
import { databaseUrl, openSampleStore, writeIn } from "./chain.ts";

const used = "plangate.consumed_overrides";
/** As a superuser who has switched off triggers and foreign keys. */
const tamper = (url: string, statements: string) => query(url, `SET session_replication_role = replica; ${statements}`);

function override(jti: string, consumed = true): OverrideRecord {
  const at = noon.toISOString();
  const person = { by: "dba@example.com", kid: "dba-2026", rules: ["change-window"] };
  return { jti, ...person, reason: `not "jti":"quoted"`, ticket: null, issuedAt: at, expiresAt: at, consumed };
}

const overridden = (id: string, ...overrides: OverrideRecord[]) =>
  sampleRecord({ id, overrides, withoutOverrides: "rejected" });

let server: PostgresServer;
/** Entries: 1 without overrides; 2 has used up ovr_a and ovr_b, and not ovr_c; 3 has used up ovr_d. */
beforeAll(async () => {
  server = await startPostgres({ major: 18 });
  await query(server.url, "CREATE DATABASE original");
  const store = await openSampleStore(databaseUrl(server, "original"));
  await store.decisions.record(sampleRecord({ id: "dec_1" }));
  await store.decisions.record(overridden("dec_2", override("ovr_a"), override("ovr_b"), override("ovr_c", false)));
  await store.decisions.record(overridden("dec_3", override("ovr_d")));
  await store.close();
});
afterAll(() => server.cleanup());

async function verify(url: string) {
  const { code, stdout } = await cli(["audit", "verify", "--database-url", url]);
  const failed = stdout.split("\n").filter((line) => line.startsWith("FAILED"));
  return { code, failed: failed.map((line) => line.slice("FAILED  ".length)) };
}

let copies = 0;
async function copy(): Promise<string> {
  copies += 1;
  await query(server.url, `CREATE DATABASE copy_${copies} TEMPLATE original`);
  return databaseUrl(server, `copy_${copies}`);
}

describe("an override whose row a superuser has deleted is used up all the same", () => {
  it("as the chain says, and no decision can be recorded that uses it again", async () => {
    const url = await copy();
    await tamper(url, `DELETE FROM ${used}`);
    const store = await openSampleStore(url);
    expect(await store.decisions.usedOverrides(["ovr_a", "ovr_c", "ovr_d", "quoted"])).toEqual(
      new Map([
        ["ovr_a", "dec_2"],
        ["ovr_d", "dec_3"],
      ]),
    );
    const again = ["ovr_a", "ovr_b", "ovr_d"].map((jti) => overridden(`dec_${jti}`, override(jti)));
    const [spare, other] = [overridden("dec_c", override("ovr_c")), sampleRecord({ id: "dec_other" })];
    const results = await Promise.allSettled([...again, spare, other].map((record) => store.decisions.record(record)));
    expect(results.map((result) => (result.status === "rejected" ? result.reason.code : "recorded"))).toEqual([
      "override-used",
      "override-used",
      "override-used",
      "recorded",
      "recorded",
    ]);
    await store.close();
    expect(await query(url, `SELECT jti, decision_id FROM ${used}`)).toEqual([{ jti: "ovr_c", decision_id: "dec_c" }]);
  });

  it("where the entry cannot be read either: nothing is decided", async () => {
    const url = await copy();
    await tamper(
      url,
      `DELETE FROM ${used}; UPDATE plangate.audit_entries SET body = replace(body, 'decisionId', 'id') WHERE sequence = 3`,
    );
    const store = await openSampleStore(url);
    await expect(store.decisions.usedOverrides(["ovr_d"])).rejects.toMatchObject({
      code: "store-inconsistent",
      message: expect.stringMatching(/^Entry 3 of the audit chain .* Run: plangate audit verify$/),
    });
    await store.close();
  });
});

describe("`audit verify` names the place of", () => {
  test.each<[string, string, string[]]>([
    [
      "the use of an override that was deleted",
      `DELETE FROM ${used} WHERE jti = 'ovr_b'`,
      ["entry 2: the use of the override ovr_b by its decision dec_2 is missing in plangate.consumed_overrides"],
    ],
    [
      "a TRUNCATE",
      `TRUNCATE ${used} CASCADE`,
      [
        "entry 2: the use of the override ovr_a by its decision dec_2 is missing in plangate.consumed_overrides",
        "entry 2: the use of the override ovr_b by its decision dec_2 is missing in plangate.consumed_overrides",
        "entry 3: the use of the override ovr_d by its decision dec_3 is missing in plangate.consumed_overrides",
      ],
    ],
    [
      "an UPDATE of who signed, and until when it held",
      `UPDATE ${used} SET subject = 'dev@example.com', kid = 'dev', expires_at = 'infinity' WHERE jti = 'ovr_d'`,
      [
        "entry 3: the use of the override ovr_d was changed: its subject, kid, expiresAt in the table differs from the entry",
      ],
    ],
    [
      "an UPDATE of the jti",
      `UPDATE ${used} SET jti = 'ovr_x' WHERE jti = 'ovr_d'`,
      [
        "entry 3: the use of the override ovr_d by its decision dec_3 is missing in plangate.consumed_overrides",
        "entry 3: its decision dec_3 has not used up the override ovr_x, as plangate.consumed_overrides says",
      ],
    ],
    [
      "an UPDATE of the decision",
      `UPDATE ${used} SET decision_id = 'dec_1' WHERE jti = 'ovr_d'`,
      [
        "entry 1: its decision dec_1 has not used up the override ovr_d, as plangate.consumed_overrides says",
        "entry 3: the use of the override ovr_d by its decision dec_3 is missing in plangate.consumed_overrides",
      ],
    ],
    [
      "one that nobody has used up, which would make a good token worthless",
      `INSERT INTO ${used} VALUES ('ovr_c', 'dec_2', 'dba@example.com', 'dba-2026', now()), ('ovr_y', 'dec_none', '', '', now())`,
      [
        "entry 2: its decision dec_2 has not used up the override ovr_c, as plangate.consumed_overrides says",
        "the use of the override ovr_y refers to the decision dec_none, which is missing",
      ],
    ],
  ])("%s", async (_name, statements, expected) => {
    const url = await copy();
    expect(await verify(url)).toEqual({ code: 0, failed: [] });
    await tamper(url, statements);
    expect(await verify(url)).toEqual({ code: 2, failed: expected });
  });
});

describe("a gate", () => {
  const friday = new Date("2026-03-13T12:00:00Z"); // the window for deploys is closed
  const request = { service: "orders", environment: "production", commit: "b77e01d", requestedBy: "dev@example.com" };
  let gate: TestGate;
  let overrides: string[];
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "plangate-used-"));
    const dba = people(folder, ["change-window"], "dba");
    const { approvers } = loadConfigFile(writeIn(folder, "plangate.yaml", dba.yaml), {});
    rmSync(folder, { recursive: true });
    overrides = [dba.override("dba", request, { jti: "ovr_once" }, friday)];
    gate = await startTestGate(() => ({ approvers }));
    gate.setTime(friday.toISOString());
  });
  afterAll(() => gate.cleanup());

  const send = async () => (await gate.post("/v1/decisions?mode=json", { ...request, overrides }).expect(200)).body;

  it("rejects such a token, and names the decision that has used it up", async () => {
    const first = await send();
    expect(first).toMatchObject({ allowed: true, overrides: [{ jti: "ovr_once", consumed: true }] });
    await tamper(gate.database.url, `DELETE FROM ${used}`);
    expect(await send()).toMatchObject({
      allowed: false,
      overrides: [],
      warnings: [
        `The override does not count: ovr_once was used up by the decision ${first.id}, and an override counts once.`,
      ],
    });
  });
});

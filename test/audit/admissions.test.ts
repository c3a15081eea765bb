import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sampleAdmission } from "../admission-spool/samples.ts";
import { cli } from "../cli/run.ts";
import { sampleRecord } from "../store/samples.ts";
import { type PostgresServer, query, startPostgres } from "../support/postgres-server.ts";
import { databaseUrl, openSampleStore, writeIn } from "./chain.ts";

let server: PostgresServer;
let folder: string;
let copies = 0;
/** Entries 1, 2, 4 and 5 are admissions (adm_1 and so on), entry 3 is a decision. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "plangate-audit-"));
  server = await startPostgres({ major: 18 });
  await query(server.url, "CREATE DATABASE original");
  const store = await openSampleStore(databaseUrl(server, "original"));
  await store.admissions.writeAdmissions([
    sampleAdmission({ id: "adm_1" }),
    sampleAdmission({
      id: "adm_2",
      allowed: false,
      basis: "unreadable",
      service: null,
      commit: null,
      decisionId: null,
      templateDigest: null,
      problems: ["it carries no pass"],
    }),
  ]);
  await store.decisions.record(sampleRecord({ id: "dec_3" }));
  await store.admissions.writeAdmissions([sampleAdmission({ id: "adm_4" }), sampleAdmission({ id: "adm_5" })]);
  await store.close();
});
afterAll(async () => {
  await server.cleanup();
  rmSync(folder, { recursive: true });
});

async function copy(): Promise<string> {
  copies += 1;
  await query(server.url, `CREATE DATABASE copy_${copies} TEMPLATE original`);
  return databaseUrl(server, `copy_${copies}`);
}

const verify = (url: string) => cli(["audit", "verify", "--database-url", url]);
const firstLine = ({ code, stdout }: { code: number; stdout: string }) => ({ code, line: stdout.split("\n")[0] });

test("admissions are counted beside decisions, as text and as JSON", async () => {
  const url = await copy();
  expect(firstLine(await verify(url))).toEqual({
    code: 0,
    line: expect.stringMatching(/^ok {6}5 entries, 1 decision, 4 admissions; the last is 5, hash [0-9a-f]{64}$/),
  });
  const { stdout } = await cli(["audit", "verify", "--database-url", url, "--format", "json"]);
  expect(JSON.parse(stdout)).toMatchObject({ entries: 5, decisions: 1, admissions: 4, problems: [] });
});

const rows = "plangate.admissions";
const entries = "plangate.audit_entries";
const nextHash = "encode(sha256(convert_to(body, 'UTF8')), 'hex')";

describe("`audit verify` names the place of", () => {
  test.each<[string, string, string]>([
    [
      "an UPDATE of the entry",
      `UPDATE ${entries} SET body = replace(body, '"allowed":true', '"allowed":false') WHERE sequence = 4`,
      "entry 4: its content was changed: the hash does not fit it",
    ],
    [
      "an UPDATE of what the row says",
      `UPDATE ${rows} SET allowed = true, username = 'somebody else' WHERE id = 'adm_2'`,
      "entry 2: the admission adm_2 was changed: its user, allowed in the table differs from the entry",
    ],
    [
      "a template that was never admitted, made one that a rollback may go back to",
      `UPDATE ${rows} SET template_key = repeat('e', 64) WHERE id = 'adm_2'`,
      "entry 2: the admission adm_2 was changed: its templateKey in the table differs from the entry",
    ],
    [
      "a moment that is none",
      `UPDATE ${rows} SET answered_at = 'infinity' WHERE id = 'adm_4'`,
      "entry 4: the admission adm_4 was changed: its at in the table differs from the entry",
    ],
    [
      "another id",
      `UPDATE ${rows} SET id = 'adm_x' WHERE id = 'adm_4'`,
      "entry 4: the admission adm_4 is stored as adm_x",
    ],
    ["a DELETE of the row", `DELETE FROM ${rows} WHERE id = 'adm_4'`, "entry 4: its admission adm_4 is missing"],
    ["a DELETE of the entry", `DELETE FROM ${entries} WHERE sequence = 4`, "entry 4: it is missing"],
    [
      "a row without an entry",
      `INSERT INTO ${rows} SELECT 'adm_x', 99, answered_at, environment, namespace, kind, name, operation, username, service, allowed, basis, decision_id, template_key FROM ${rows} WHERE id = 'adm_4'`,
      "entry 99: the admission adm_x refers to it, but no entry of this number is about an admission",
    ],
    [
      "a row that takes a decision's entry for its own",
      `INSERT INTO ${rows} SELECT 'adm_x', 3, answered_at, environment, namespace, kind, name, operation, username, service, allowed, basis, decision_id, template_key FROM ${rows} WHERE id = 'adm_4'`,
      "entry 3: the admission adm_x refers to it, but no entry of this number is about an admission",
    ],
    [
      "an entry at the end that is not as a gate writes one",
      `UPDATE ${entries} SET body = replace(body, '"recordedAt"', '"recorded_at"') WHERE sequence = 5; UPDATE ${entries} SET hash = ${nextHash} WHERE sequence = 5`,
      "entry 5: its content is not that of an admission's audit entry",
    ],
  ])("%s", async (_name, statements, expected) => {
    const url = await copy();
    await query(url, `SET session_replication_role = replica; ${statements}`);
    expect(firstLine(await verify(url))).toEqual({ code: 2, line: `FAILED  ${expected}` });
  });
});

describe("an export", () => {
  const exported = async (...more: string[]) =>
    (await cli(["audit", "export", "--database-url", await copy(), ...more])).stdout.trimEnd().split("\n");

  it("holds the whole record of an admission, and when it entered the chain", async () => {
    const [line = ""] = await exported();
    expect(JSON.parse(line)).toMatchObject({
      sequence: 1,
      kind: "admission",
      payload: {
        kind: "admission",
        admission: {
          id: "adm_1",
          at: "2026-03-11T12:00:00.000Z",
          namespace: "orders",
          kind: "Job",
          images: [expect.stringContaining("@sha256:")],
          allowed: true,
        },
        recordedAt: "2026-03-11T12:00:00.000Z",
      },
    });
  });

  it.each([[[]], [["--decisions"]]])(
    "verifies offline (%s), and a change of an admission is named",
    async (options) => {
      const lines = await exported(...options);
      const whole = writeIn(folder, "audit.jsonl", lines.join("\n"));
      expect(firstLine(await cli(["audit", "verify", whole]))).toEqual({
        code: 0,
        line: expect.stringMatching(/^ok {6}5 entries, [01] decisions?, 4 admissions;/),
      });
      const changed = lines.map((line) => line.replace("it carries no pass", "it carries a pass"));
      expect(firstLine(await cli(["audit", "verify", writeIn(folder, "changed.jsonl", changed.join("\n"))]))).toEqual({
        code: 2,
        line: "FAILED  entry 2: its content was changed: the hash does not fit it",
      });
    },
  );
});

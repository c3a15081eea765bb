import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli } from "../cli/run.ts";
import { startTestGate, type TestGate } from "../http/gate.ts";
import { type PostgresServer, query, startPostgres } from "../support/postgres-server.ts";
import { databaseUrl } from "./chain.ts";

let server: PostgresServer;
let ownerUrl: string;
let gateUrl: string;
beforeAll(async () => {
  server = await startPostgres({ major: 18 });
  await query(server.url, "CREATE ROLE plangate_owner LOGIN");
  await query(server.url, "CREATE ROLE plangate_gate LOGIN");
  await query(server.url, "CREATE DATABASE plangate OWNER plangate_owner");
  ownerUrl = databaseUrl(server, "plangate", "plangate_owner");
  gateUrl = databaseUrl(server, "plangate", "plangate_gate");
});
afterAll(() => server.cleanup());

const migrate = (...more: string[]) =>
  cli(["migrate", "--database-url", "env:OWNER_URL", ...more], { env: { OWNER_URL: ownerUrl } });

test("the gate's role may not make the schema, and is told who must", async () => {
  const directory = mkdtempSync(join(tmpdir(), "plangate-role-"));
  const { code, stderr } = await cli(["migrate", "--database-url", gateUrl], { cwd: directory });
  rmSync(directory, { recursive: true });
  expect(code).toBe(1);
  expect(stderr).toContain("Run as the owner: plangate migrate --database-url env:OWNER_URL --gate-role ROLE");
});

test("`plangate migrate` makes the schema as the owner and grants the gate's role what it needs; doing it again changes nothing", async () => {
  const first = await migrate("--gate-role", "plangate_gate");
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(first.stdout).toMatch(/^Applied 0001_decisions_and_audit, .*\nThe role plangate_gate may do what a gate does/);
  const again = await migrate("--gate-role", "plangate_gate");
  expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/^The schema is up to date\.\n/) });
});

test.each([
  ["is missing", "nobody_there", "There is no role nobody_there. Make it: CREATE ROLE"],
  ["owns the tables", "plangate_owner", "owns the tables"],
  ["is a superuser", "postgres", "is a superuser"],
])("no role that %s is granted anything", async (_name, role, expected) => {
  const { code, stderr } = await migrate("--gate-role", role);
  expect(code).toBe(1);
  expect(stderr).toContain(expected);
});

describe("a gate with that role", () => {
  let gate: TestGate;
  beforeAll(async () => {
    gate = await startTestGate(() => ({ database: { url: gateUrl } }));
  });
  afterAll(() => gate.cleanup());

  const deploy = { service: "orders", environment: "production", commit: "9f1c2e7" };

  it("decides, remembers keys, stores evidence, prunes and gives decisions back", async () => {
    const decided = await gate.post("/v1/decisions", deploy).set("Idempotency-Key", "once").expect(200);
    const repeated = await gate.post("/v1/decisions", deploy).set("Idempotency-Key", "once").expect(200);
    expect(repeated.body.id).toBe(decided.body.id);
    const bundle = { version: 1, capturedAt: "2026-03-11T11:00:00Z", server: { name: "a", role: "replica" } };
    await gate.post("/v1/evidence?database=orders", bundle).expect(201);
    await gate.get(`/v1/decisions/${decided.body.id}`).expect(200);
    await gate.get("/readyz").expect(200);
  });

  it.each(["audit_entries", "decisions", "consumed_overrides", "audit_checkpoints", "admissions"])(
    "can neither change nor delete %s, nor take the protection away",
    async (table) => {
      const name = `plangate.${table}`;
      const [column] = await query(
        server.url.replace(/\/[^/]*$/, "/plangate"),
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 1",
        [name],
      );
      for (const statement of [
        `UPDATE ${name} SET ${column?.attname} = ${column?.attname}`,
        `DELETE FROM ${name}`,
        `TRUNCATE ${name} CASCADE`,
        `DROP TABLE ${name} CASCADE`,
        `ALTER TABLE ${name} DISABLE TRIGGER ALL`,
        `DROP TRIGGER append_only ON ${name}`,
        `CREATE TRIGGER mine BEFORE INSERT ON ${name} EXECUTE FUNCTION plangate.refuse_change()`,
        `SET session_replication_role = replica`,
        `CREATE TABLE plangate.other ()`,
        `CREATE OR REPLACE FUNCTION plangate.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
      ]) {
        // insufficient_privilege
        await expect(query(gateUrl, statement)).rejects.toMatchObject({ code: "42501" });
      }
    },
  );

  it("leaves a chain that its own role can verify", async () => {
    const { code, stdout } = await cli(["audit", "verify", "--database-url", gateUrl]);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ok {6}1 entry, 1 decision;/) });
  });
});

test("the owner too is refused a change while the triggers stand", async () => {
  for (const statement of [
    "UPDATE plangate.decisions SET id = id",
    "DELETE FROM plangate.audit_entries",
    "TRUNCATE plangate.audit_entries CASCADE",
  ]) {
    await expect(query(ownerUrl, statement)).rejects.toMatchObject({ code: "55000" });
  }
});

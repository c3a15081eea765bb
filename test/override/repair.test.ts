import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfigFile } from "../../src/adapters/config/config.ts";
import { confirmationCode } from "../../src/core/confirmation-code.ts";
import { parseDeployRequest, requestDigest } from "../../src/core/request.ts";
import { cli } from "../cli/run.ts";
import { startTestGate, type TestGate } from "../http/gate.ts";
import { query } from "../support/postgres-server.ts";

/**
 * docs/override.md, played with a real gate: the Monday of the incident at 10:39 in New York, outside of the change window. Only the
 * clock is set.
 */
const monday = "2026-03-16T14:39:00Z";
const twoMinutesLater = "2026-03-16T14:41:00Z";

const repair = {
  service: "orders",
  environment: "production",
  commit: "b77e01d",
  database: "orders-production",
  requestedBy: "dev@example.com",
  description: "Bring idx_orders_user_id_ca back",
  expectedDuration: "10m",
  migrations: [
    {
      path: "migrations/20260316_recreate_idx_orders_user_id_ca.sql",
      sql: "CREATE INDEX CONCURRENTLY idx_orders_user_id_ca ON orders (user_id, status, created_at);\n",
    },
  ],
};

let folder: string;
let gate: TestGate;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "plangate-repair-"));
  const keygen = await cli(
    ["override", "keygen", "--subject", "dba@example.com", "--kid", "dba-2026", "--out-dir", "."],
    {
      cwd: folder,
    },
  );
  expect(keygen.code).toBe(0);
  const entry = keygen.stdout.replace("mayWaive: []", "mayWaive: [change-window]");
  writeFileSync(join(folder, "plangate.yaml"), `gate: { name: orders-gate }\n${entry}`);
  cpSync(join(__dirname, "../../policies"), join(folder, "policies"), { recursive: true });
  writeFileSync(join(folder, "request.json"), JSON.stringify(repair));
  const { approvers, policies } = loadConfigFile(join(folder, "plangate.yaml"), {});
  gate = await startTestGate(() => ({ approvers, policies }));
});
afterAll(async () => {
  await gate.cleanup();
  rmSync(folder, { recursive: true, force: true });
});

const run = async (args: string[], now: string) => {
  const result = await cli(args, { cwd: folder, now });
  expect(result.stderr.split("\n")[0]).not.toMatch(/error/);
  return result;
};
const signer = ["--key", "dba-2026.private.pem", "--kid", "dba-2026", "--subject", "dba@example.com"];
const code = (text: string) => /code +(\d{5}-\d{5}-\d{5})/.exec(text)?.[1];

it("goes out within minutes, with a signature, a reason and the would-be verdict", async () => {
  gate.setTime(monday);
  const rejected = await gate.post("/v1/decisions", repair).expect(403);
  const blocking = (decision: { findings: { outcome: string; ruleId: string }[] }) =>
    decision.findings.filter(({ outcome }) => outcome !== "pass").map(({ ruleId }) => ruleId);
  expect(blocking(rejected.body)).toEqual(["change-window", "human-review"]);
  writeFileSync(join(folder, "decision.json"), JSON.stringify(rejected.body));

  // The developer asks the DBA on call, and reads the code to her over the phone.
  const asked = await run(["override", "request", "--decision", "decision.json"], monday);
  expect(asked.code).toBe(0);
  expect(asked.stdout).toContain("These may sign: dba@example.com (change-window).");
  expect(code(asked.stdout)).toBeDefined();

  // She has the request's file, sees the same code, approves the plans and waives the window.
  const approval = await run(["approve", "--request", "request.json", ...signer], twoMinutesLater);
  const override = await run(
    [
      "override",
      "sign",
      "--request",
      "request.json",
      "--rule",
      "change-window",
      "--ticket",
      "INC-2041",
      ...signer,
    ].concat("--reason", "The order history takes 38 s since the index was dropped"),
    twoMinutesLater,
  );
  expect(code(override.stderr)).toBe(code(asked.stdout));
  expect(code(approval.stderr)).toBe(code(asked.stdout));
  const tokens = { approvals: [approval.stdout.trim()], overrides: [override.stdout.trim()] };

  gate.setTime(twoMinutesLater);
  const approved = await gate.post("/v1/decisions", { ...repair, ...tokens }).expect(200);
  const [used] = approved.body.overrides;
  expect(approved.body).toMatchObject({
    decision: "approved",
    requestDigest: rejected.body.requestDigest,
    withoutOverrides: "rejected",
    // The window is waived, so the lease alone bounds the start.
    notAfter: "2026-03-16T15:41:00.000Z",
    overrides: [
      {
        by: "dba@example.com",
        kid: "dba-2026",
        rules: ["change-window"],
        reason: "The order history takes 38 s since the index was dropped",
        ticket: "INC-2041",
        expiresAt: "2026-03-16T14:56:00.000Z",
        consumed: true,
      },
    ],
    warnings: [],
  });
  const window = approved.body.findings.find(({ ruleId }: { ruleId: string }) => ruleId === "change-window");
  expect(window).toMatchObject({ outcome: "fail", waivedBy: used.jti });

  // It is kept with the decision and in the audit chain; the token itself is kept nowhere.
  const stored = await gate.get(`/v1/decisions/${approved.body.id}`).expect(200);
  expect(stored.body).toEqual(approved.body);
  const [row] = await query(
    gate.database.url,
    `SELECT entry.body, decision.request::text FROM plangate.audit_entries AS entry
     JOIN plangate.decisions AS decision ON decision.audit_sequence = entry.sequence WHERE decision.id = $1`,
    [approved.body.id],
  );
  expect(JSON.parse(String(row?.body))).toMatchObject({ withoutOverrides: "rejected", overrides: [used] });
  expect(JSON.stringify(row)).not.toContain(tokens.overrides[0]?.split(".")[2]);

  // A second deploy needs a second signature.
  const again = await gate.post("/v1/decisions", { ...repair, ...tokens }).expect(403);
  expect(blocking(again.body)).toEqual(["change-window"]);
  expect(again.body.warnings).toEqual([
    `The override does not count: ${used.jti} was used up by the decision ${approved.body.id}, and an override counts once.`,
  ]);
});

it("is what docs/override.md shows", () => {
  const digest = requestDigest(parseDeployRequest(repair).request);
  const page = readFileSync(join(__dirname, "../../docs/override.md"), "utf8");
  for (const command of [
    "override keygen",
    "override request --decision decision.json",
    "plangate approve",
    "override sign",
  ]) {
    expect(page).toContain(command);
  }
  expect(page).toContain(`request  ${digest}\n  code     ${confirmationCode(digest)}\n`);
  expect(page).toContain(repair.migrations[0]?.sql.trim());
});

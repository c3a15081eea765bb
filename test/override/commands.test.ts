import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli } from "../cli/run.ts";

const monday = "2026-03-16T14:39:00Z";
const request = {
  service: "orders",
  environment: "production",
  commit: "b77e01d",
  requestedBy: "dev@example.com",
  migrations: [{ path: "a.sql", sql: "CREATE INDEX CONCURRENTLY i ON orders (user_id);\n" }],
};

let cwd: string;
const run = (args: string[], now = monday, stdin = "") => cli(args, { cwd, now, stdin });
const signer = ["--key", "dba-2026.private.pem", "--kid", "dba-2026", "--subject", "dba@example.com"];

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "plangate-commands-"));
  const { stdout } = await run([
    "override",
    "keygen",
    "--subject",
    "dba@example.com",
    "--kid",
    "dba-2026",
    "--out-dir",
    ".",
  ]);
  const yaml = `gate: { name: orders-gate }\n${stdout.replace("mayWaive: []", "mayWaive: [change-window, human-review]")}`;
  writeFileSync(join(cwd, "plangate.yaml"), `${yaml}overrides: { quorum: { freeze: 2 } }\n`);
  writeFileSync(join(cwd, "request.json"), JSON.stringify(request));
  cpSync(join(__dirname, "../../policies"), join(cwd, "policies"), { recursive: true });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const sign = async (...more: string[]) =>
  run([
    "override",
    "sign",
    "--request",
    "request.json",
    "--rule",
    "change-window",
    "--reason",
    "It is needed now",
    ...signer,
    ...more,
  ]);
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

describe("override keygen", () => {
  it("writes a private key that only its owner can read, and never over another", async () => {
    expect(statSync(join(cwd, "dba-2026.private.pem")).mode & 0o777).toBe(0o600);
    const before = readFileSync(join(cwd, "dba-2026.private.pem"));
    const again = await run(["override", "keygen", "--subject", "x", "--kid", "dba-2026", "--out-dir", "."]);
    expect(again).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("a key is never overwritten") });
    expect(readFileSync(join(cwd, "dba-2026.private.pem"))).toEqual(before);
  });
});

describe("override request", () => {
  it("prints what to waive, the code, who may sign, and a command to paste", async () => {
    const { code, stdout } = await run(["override", "request", "--request", "request.json"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^orders to production, requested by dev@example.com\n {2}request {2}sha256:[0-9a-f]{64}\n {2}code {5}\d{5}-\d{5}-\d{5}\n/,
    );
    expect(stdout).toContain("--environment production --gate orders-gate --rule change-window --rule human-review \\");
    expect(stdout).toContain("These may sign: dba@example.com (change-window, human-review).");
  });

  it("as JSON, and from a decision on standard input", async () => {
    const decision = (await run(["check", "--request", "request.json", "--format", "json"])).stdout;
    const { stdout } = await run(["override", "request", "--decision", "-", "--format", "json"], monday, decision);
    expect(JSON.parse(stdout)).toMatchObject({
      requestDigest: JSON.parse(decision).requestDigest,
      gate: "orders-gate",
      rules: ["change-window", "human-review"],
      findings: [{ ruleId: "change-window" }, { ruleId: "human-review" }],
    });
  });

  it("lets nothing of a decision from elsewhere become part of the command to paste", async () => {
    const finding = {
      policy: "p",
      outcome: "fail",
      enforcement: "deny",
      subject: "s",
      message: "m",
      help: null,
      location: null,
    };
    const decision = {
      requestDigest: `sha256:${"a".repeat(64)}`,
      service: "orders",
      environment: "$(touch x)'",
      requestedBy: null,
      findings: [{ ...finding, ruleId: "a; touch x", waivedBy: null, details: {} }],
    };
    const ask = (changes: object) =>
      run(["override", "request", "--decision", "-"], monday, JSON.stringify({ ...decision, ...changes }));
    const { stdout } = await ask({});
    expect(stdout).toContain(`--environment '$(touch x)'\\''' --gate orders-gate --rule 'a; touch x' \\\n`);
    expect(await ask({ requestDigest: "x; touch x" })).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining('requestDigest: expected "sha256:" and 64 hex digits'),
    });
  });

  it("says where nothing blocks, and what no override can waive", async () => {
    const staging = await run(["override", "request", "--request", "request.json", "--environment", "staging"]);
    expect(staging.stdout).toContain("An override cannot waive unmatched, so it would be rejected all the same.");
    const open = ["--at", "2026-03-18T14:00:00Z", "--approval", "dba@example.com"];
    const { stdout } = await run(["override", "request", "--request", "request.json", ...open]);
    expect(stdout).toContain("Nothing blocks it: no override is needed.");
  });
});

describe("override sign", () => {
  it("prints the token alone, and what was signed beside it", async () => {
    const { code, stdout, stderr } = await sign("--ticket", "INC-2041");
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/) });
    expect(claimsOf(stdout)).toEqual({
      iss: "dba@example.com",
      sub: "dba@example.com",
      aud: "orders-gate",
      iat: Date.parse(monday) / 1000,
      nbf: Date.parse(monday) / 1000,
      exp: Date.parse(monday) / 1000 + 900,
      jti: expect.stringMatching(/^ovr_[0-9a-f]{32}$/),
      req: expect.stringMatching(/^sha256:/),
      env: "production",
      rules: ["change-window"],
      reason: "It is needed now",
      ticket: "INC-2041",
    });
    expect(stderr).toContain("until 2026-03-16T14:54:00.000Z");
    expect(stderr).not.toContain(stdout.trim());
  });

  it.each([
    ["no rule", ["--request", "request.json"], "name each rule to waive with --rule"],
    ["a wildcard", ["--request", "request.json", "--rule", "*"], 'there is no rule "*"'],
    ["unmatched", ["--request", "request.json", "--rule", "unmatched"], "unmatched cannot be waived"],
    ["a misspelt rule", ["--request", "request.json", "--rule", "frezee"], 'did you mean "freeze"?'],
    [
      "a life that is too long",
      ["--request", "request.json", "--rule", "freeze", "--ttl", "16m"],
      "--ttl must be from 1s to 15m",
    ],
    ["nothing to sign for", ["--rule", "freeze"], "give one of --request, --decision and --digest"],
    ["a digest alone", ["--rule", "freeze", "--digest", `sha256:${"a".repeat(64)}`], "--digest needs --environment"],
    [
      "what is no digest",
      ["--rule", "freeze", "--digest", "abc", "--environment", "production"],
      '"req" must be a request digest',
    ],
    [
      "the public key",
      ["--request", "request.json", "--rule", "freeze", "--key", "dba-2026.public.pem"],
      "must hold a private key",
    ],
    [
      "one's own request",
      ["--request", "request.json", "--rule", "freeze", "--subject", "Dev@example.com"],
      "nobody signs for their own request",
    ],
    ["an empty reason", ["--request", "request.json", "--rule", "freeze", "--reason", " "], '"reason" must say why'],
  ])("refuses %s", async (_name, args, message) => {
    const { code, stdout, stderr } = await run(["override", "sign", "--reason", "why", ...signer, ...args]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(message);
  });

  it("asks for a reason", async () => {
    const { code, stderr } = await run([
      "override",
      "sign",
      "--request",
      "request.json",
      "--rule",
      "freeze",
      ...signer,
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain("--reason");
  });
});

describe("override inspect", () => {
  it("says that a token counts", async () => {
    const token = (await sign()).stdout.trim();
    const { code, stdout } = await run(["override", "inspect", "-", "--request", "request.json"], monday, `${token}\n`);
    expect(code).toBe(0);
    expect(stdout).toContain("exp     1773672840  (2026-03-16T14:54:00.000Z)");
    expect(stdout).toMatch(/\nok {6}it counts for this request\n$/);
  });

  it.each([
    [
      "an expired one",
      async () => (await sign()).stdout,
      "2026-03-16T14:54:00Z",
      "it ended at 2026-03-16T14:54:00.000Z",
    ],
    ["one for another gate", async () => (await sign("--gate", "other")).stdout, monday, "it is for another gate"],
    [
      "one by somebody else",
      async () => (await sign("--subject", "boss@example.com")).stdout,
      monday,
      'its "iss" must be dba@example.com',
    ],
    [
      "a rule beyond the approver's",
      async () => (await sign("--rule", "index-usage")).stdout,
      monday,
      "dba@example.com may not waive index-usage",
    ],
    ["no token", async () => "hello", monday, "it is not a signed token"],
  ])("%s: exit code 2, and why", async (_name, make, now, why) => {
    const token = (await make()).trim();
    const { code, stdout } = await run(["override", "inspect", token], now);
    expect(code).toBe(2);
    expect(stdout).toContain(`FAILED  ${why}`);
    const json = await run(["override", "inspect", token, "--format", "json"], now);
    expect(JSON.parse(json.stdout)).toMatchObject({ valid: false, problem: expect.stringContaining(why) });
  });

  it("shows nothing that could move the cursor", async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const { stdout } = await run(["override", "inspect", `${part({ "\u001b[2J": "\u001b]0;x" })}.${part({})}.AAAA`]);
    expect(stdout).not.toContain("\u001b");
  });
});

describe("approve", () => {
  const evidence = {
    version: 1,
    capturedAt: "2026-03-16T14:00:00Z",
    server: { name: "orders-replica-1", role: "replica" },
    plans: [
      { query: "SELECT 1", phase: "before", method: "explain", plan: "Result  (cost=0.00..0.01 rows=1 width=4)" },
    ],
  };
  beforeAll(() => writeFileSync(join(cwd, "plans.json"), JSON.stringify(evidence)));

  it("signs the plans of the evidence, and `check` takes it for exactly those", async () => {
    const { code, stdout, stderr } = await run([
      "approve",
      "--request",
      "request.json",
      "--evidence",
      "plans.json",
      ...signer,
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain("before  orders-replica-1  SELECT 1");
    const check = async (...args: string[]) =>
      JSON.parse(
        (await run(["check", "--request", "request.json", "--approval", stdout.trim(), "--format", "json", ...args]))
          .stdout,
      );
    const withPlans = await check("--evidence", "plans.json");
    expect(withPlans.plansDigest).toBe(claimsOf(stdout).plans);
    const failing = ({ findings }: { findings: { ruleId: string; outcome: string }[] }) =>
      findings.filter(({ outcome }) => outcome !== "pass").map(({ ruleId }) => ruleId);
    expect(failing(withPlans)).toEqual(["change-window"]);
    const without = await check();
    expect(failing(without)).toEqual(["change-window", "human-review"]);
    expect(without.warnings[0]).toMatch(/^The approval does not count: the query plans are not those/);
  });

  it("signs the plans that a decision names", async () => {
    const decision = await run(["check", "--request", "request.json", "--evidence", "plans.json", "--format", "json"]);
    writeFileSync(join(cwd, "decision.json"), decision.stdout);
    const { stdout } = await run(["approve", "--decision", "decision.json", ...signer]);
    expect(claimsOf(stdout).plans).toBe(JSON.parse(decision.stdout).plansDigest);
  });

  it("does not guess the plans", async () => {
    const digest = ["--digest", `sha256:${"a".repeat(64)}`, "--environment", "production"];
    expect(await run(["approve", ...digest, ...signer])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--digest needs --plans"),
    });
  });
});

it("check takes a token with the configuration, and says without it that nobody is an approver", async () => {
  const token = (await sign("--rule", "human-review")).stdout.trim();
  const args = ["check", "--request", "request.json", "--override", token];
  const taken = await run(args);
  expect(taken.code).toBe(0);
  expect(taken.stdout).toContain(
    "Overrides (without them: rejected):\n    dba@example.com waives change-window, human-review: It is needed now\n",
  );
  writeFileSync(join(cwd, "empty.yaml"), "lease: { max: 1h }\n");
  const refused = await run([...args, "--config", "empty.yaml", "--format", "json"]);
  expect(refused.code).toBe(2);
  expect(JSON.parse(refused.stdout).warnings).toEqual([
    "The override does not count: the gate's configuration has no approvers.",
  ]);
});

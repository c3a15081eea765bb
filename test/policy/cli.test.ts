import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli } from "../cli/run.ts";

const root = join(__dirname, "../..");
let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "plangate-policy-cli-"));
  mkdirSync(join(cwd, "policies"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const good =
  'version: 1\npolicy: weekdays\nchangeWindow:\n  timeZone: UTC\n  allow: [{ days: Mon-Fri, from: "00:00", to: "24:00" }]\n';
const goodTest = `cases:
  - name: Friday is open
    at: 2026-03-13T12:00:00Z
    request: { service: a, environment: b }
    expect: { decision: approved }
`;
const write = (name: string, text: string) => writeFileSync(join(cwd, "policies", name), text);
const run = (...args: string[]) => cli(["policy", ...args], { cwd });

describe("policy validate", () => {
  test("policies that load", async () => {
    write("weekdays.yaml", good);
    write("empty.yaml", "version: 1\npolicy: nothing-demanded\n");
    expect(await run("validate")).toEqual({
      code: 0,
      stderr: "",
      stdout: `policies: 2 policies are valid
  nothing-demanded  policies/empty.yaml
  weekdays          policies/weekdays.yaml
  warning policies/empty.yaml:2:1: the policy nothing-demanded has no change window and no rules: it approves every request that it matches, except SQL that cannot be analysed
`,
    });
  });

  const broken = "version: 1\npolicy: weekdays\nenforcment: deny\nchangeWindow: { timeZone: CET }\n";
  test("as text, one line per mistake that editors can follow", async () => {
    write("weekdays.yaml", broken);
    const { code, stdout, stderr } = await run("validate", "policies/");
    expect([code, stderr]).toEqual([1, ""]);
    expect(stdout).toBe(`policies/: 2 problems
  policies/weekdays.yaml:3:1: enforcment: unknown key; did you mean "enforcement"? allowed: version, policy, description, appliesTo, enforcement, minTrust, changeWindow, rules
  policies/weekdays.yaml:4:27: changeWindow.timeZone: "CET" is not an IANA time zone; allowed: names such as "America/New_York", and "UTC"
`);
  });

  test("as JSON", async () => {
    write("weekdays.yaml", broken);
    const { code, stdout } = await run("validate", "--format", "json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      valid: false,
      policyDigest: null,
      errors: [
        { path: "policies/weekdays.yaml", line: 3, column: 1, key: "enforcment" },
        { path: "policies/weekdays.yaml", line: 4, column: 27, key: "changeWindow.timeZone" },
      ],
    });
  });

  test("as SARIF, each result with its place", async () => {
    write("weekdays.yaml", broken);
    const log = JSON.parse((await run("validate", "--format", "sarif")).stdout);
    expect(log.runs[0].results[0]).toMatchObject({
      ruleId: "invalid-policy",
      level: "error",
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: "policies/weekdays.yaml" },
            region: { startLine: 3, startColumn: 1 },
          },
        },
      ],
    });
  });

  test("as annotations for GitHub", async () => {
    write("weekdays.yaml", broken);
    const { stdout } = await run("validate", "--format", "github");
    expect(stdout.split("\n")[1]).toBe(
      '::error file=policies/weekdays.yaml,line=4,col=27,title=plangate invalid-policy::changeWindow.timeZone: "CET" is not an IANA time zone; allowed: names such as "America/New_York", and "UTC"',
    );
  });

  test("a directory that is not there or holds no policy", async () => {
    const missing = await run("validate", "nowhere");
    expect([missing.code, missing.stdout]).toEqual([
      1,
      "nowhere: 1 problem\n  nowhere:1:1: there is no such file or directory\n",
    ]);
    expect((await run("validate")).stdout).toContain("policies:1:1: no policy here");
  });
});

describe("policy test", () => {
  test("exit code 0 where all pass", async () => {
    write("weekdays.yaml", good);
    write("weekdays.test.yaml", goodTest);
    expect(await run("test")).toEqual({
      code: 0,
      stderr: "",
      stdout: "policies/weekdays.test.yaml\n  pass  Friday is open\n\n1 passed, 0 failed\n",
    });
  });

  test("exit code 2 where a case gets another decision, with what was said", async () => {
    write("weekdays.yaml", good);
    write("weekdays.test.yaml", goodTest.replace("03-13", "03-14"));
    write("other.test.yaml", goodTest);
    const { code, stdout } = await run("test", "policies/weekdays.test.yaml");
    expect(code).toBe(2);
    expect(stdout).toContain(
      `policies/weekdays.test.yaml
  FAIL  Friday is open
        policies/weekdays.test.yaml:2:11: expected approved; got rejected by change-window.
        change-window: `,
    );
    expect(stdout).toMatch(/\n0 passed, 1 failed\n$/);
    const json = JSON.parse((await run("test", "--format", "json")).stdout);
    expect(json.results.map(({ passed }: { passed: boolean }) => passed)).toEqual([true, false]);
    const github = await run("test", "--format", "github");
    expect(github.stdout).toContain(
      "::error file=policies/weekdays.test.yaml,line=2,col=11,title=plangate policy-test::",
    );
  });

  test("exit code 1 for tests that cannot run", async () => {
    write("weekdays.yaml", good);
    const none = await run("test");
    expect([none.code, none.stdout, none.stderr]).toEqual([
      1,
      "",
      "plangate: The policies are not valid: policies:1:1: no policy tests here: no *.test.yaml file\n",
    ]);
    write("weekdays.test.yaml", goodTest.replace("expect: {", "evidence: [gone.json]\n    expect: {"));
    expect(await run("test")).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining('"gone.json": there is no such file or directory'),
    });
  });
});

test("policy schema and policy docs print the generated files", async () => {
  const generated = (name: string) => readFileSync(join(root, "policies", name), "utf8");
  expect(await run("schema")).toEqual({ code: 0, stdout: generated("policy.schema.json"), stderr: "" });
  expect(await run("docs")).toEqual({ code: 0, stdout: generated("RULES.md"), stderr: "" });
});

test("a wrong option says where to look", async () => {
  const { code, stdout, stderr } = await run("validate", "--format", "xml");
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toContain("Allowed choices are text, json, sarif, github.");
  expect(stderr).toContain("(plangate policy validate --help shows what is allowed)");
});

test.each(["validate", "test", "schema", "docs"])("policy %s --help has an example", async (command) => {
  const { code, stdout } = await run(command, "--help");
  expect(code).toBe(0);
  expect(stdout).toContain(`Example:\n  plangate policy ${command}`);
});

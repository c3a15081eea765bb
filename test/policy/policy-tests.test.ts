import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runPolicyTests } from "../../src/app/policy-tests.ts";
import { PlangateError } from "../../src/core/errors.ts";
import { PolicyError, type SourceFile } from "../../src/core/policy/document-error.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";

beforeAll(loadGrammar);

const weekdays = `version: 1
policy: weekdays
changeWindow:
  timeZone: UTC
  allow: [{ days: Mon-Fri, from: "00:00", to: "24:00" }]
`;
const review = `version: 1
policy: review
enforcement: warn
appliesTo: { changes: [schema] }
rules:
  human-review: {}
`;
const friday = "2026-03-13T12:00:00Z";
const saturday = "2026-03-14T12:00:00Z";

interface Case {
  at?: string;
  request?: string;
  evidence?: string;
  expect: string;
}

const caseText = ({ at = friday, request = "{ service: a, environment: b }", evidence, expect: wanted }: Case) =>
  `{ name: x, at: ${at}, request: ${request}, ${evidence === undefined ? "" : `evidence: ${evidence}, `}expect: ${wanted} }`;

function run(testFile: string, more: Partial<Parameters<typeof runPolicyTests>[0]> & { extra?: SourceFile[] } = {}) {
  const { extra = [], ...rest } = more;
  return runPolicyTests({
    files: [
      { path: "weekdays.yaml", content: weekdays },
      { path: "team/review.yaml", content: review },
      { path: "team/a.test.yaml", content: testFile },
      ...extra,
    ],
    directory: "policies",
    readFile: (path) => {
      throw new PlangateError("unreadable-file", `there is no such file: ${path}`);
    },
    timeZoneDatabase: "test",
    ...rest,
  });
}

function errorOf(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    if (error instanceof PolicyError) return error.message.replace(/^The policies are not valid:\s+/, "");
    throw error;
  }
  throw new Error("it ran");
}

const ddl = '{ service: a, environment: b, migrations: [{ path: m.sql, sql: "CREATE TABLE t (id int);" }] }';

describe("a case passes where decision and failing rules are exactly those expected", () => {
  const cases: [string, Case, boolean][] = [
    ["approved", { expect: "{ decision: approved }" }, true],
    ["approved, but rejection was expected", { expect: "{ decision: rejected, fails: [change-window] }" }, false],
    ["rejected", { at: saturday, expect: "{ decision: rejected, fails: [change-window] }" }, true],
    ["rejected, but by another rule", { at: saturday, expect: "{ decision: rejected, fails: [freeze] }" }, false],
    [
      "rejected by less than expected",
      { at: saturday, expect: "{ decision: rejected, fails: [change-window, freeze] }" },
      false,
    ],
    [
      "a warning counts as a rule that fails",
      { request: ddl, expect: "{ decision: approved, fails: [human-review] }" },
      true,
    ],
    ["a warning that was not expected", { request: ddl, expect: "{ decision: approved }" }, false],
  ];
  test.each(cases)("%s", (_, one, passes) => {
    const report = run(`cases: [${caseText(one)}]`);
    expect(report.passed).toBe(passes);
    expect(report.results).toMatchObject([
      { name: "x", passed: passes, location: { path: "policies/team/a.test.yaml", line: 1 } },
    ]);
  });
});

test("`policies` chooses the policies under test, relative to the test file", () => {
  const one = caseText({ at: saturday, request: ddl, expect: "{ decision: approved, fails: [human-review] }" });
  expect(run(`policies: [review.yaml]\ncases: [${one}]`).passed).toBe(true);
  const both = caseText({
    at: saturday,
    request: ddl,
    expect: "{ decision: rejected, fails: [change-window, human-review] }",
  });
  expect(run(`policies: [review.yaml, ../weekdays.yaml]\ncases: [${both}]`).passed).toBe(true);
  const unmatched = caseText({ expect: "{ decision: rejected, fails: [unmatched] }" });
  expect(run(`policies: [./review.yaml]\ncases: [${unmatched}]`).passed).toBe(true);
});

test("evidence comes from files or stands in the case, and `minTrust` is testable", () => {
  const corrected = join(__dirname, "../../examples/corrected");
  const policy = "version: 1\npolicy: usage\nminTrust: signed\nrules: { index-usage: {} }\n";
  const testOf = (trust: string, fails: string) => `cases:
  - name: dropped
    at: 2026-03-18T14:00:00Z
    request:
      service: orders
      environment: production
      migrations: [{ path: m.sql, sql: DROP INDEX CONCURRENTLY idx_orders_user_id; }]
    evidence: [evidence-primary.json, evidence-replica.json]
    evidenceTrust: ${trust}
    expect: ${fails}
`;
  const files = (content: string) => [
    { path: "usage.yaml", content: policy },
    { path: "usage.test.yaml", content },
  ];
  const readFile = (path: string) => readFileSync(join(corrected, path));
  const outcome = (content: string) => run("", { files: files(content), readFile }).results.map(({ actual }) => actual);
  expect(outcome(testOf("signed", "{ decision: approved }"))).toEqual([{ decision: "approved", fails: [] }]);
  expect(outcome(testOf("asserted", "{ decision: approved }"))).toEqual([
    { decision: "rejected", fails: ["index-usage"] },
  ]);
});

describe("what is wrong with tests is said at once, with its place", () => {
  const cases: [string, string, string[]][] = [
    [
      "wrong forms",
      `polices: [weekdays.yaml]
cases:
  - name: x
    at: 2026-03-13 16:47
    request: { service: a }
    expect: { decision: denied, fail: [] }
`,
      [
        'policies/team/a.test.yaml:1:1: polices: unknown key; did you mean "policies"? allowed: policies, cases',
        'policies/team/a.test.yaml:4:9: cases[0].at: an instant is an RFC 3339 date-time with an offset: "2026-03-13T16:47:00-04:00"',
        "policies/team/a.test.yaml:5:5: cases[0].request.environment: the key is missing; expected text",
        'policies/team/a.test.yaml:6:25: cases[0].expect.decision: expected one of approved, rejected, got "denied"',
        'policies/team/a.test.yaml:6:33: cases[0].expect.fail: unknown key; did you mean "fails"? allowed: decision, fails',
      ],
    ],
    [
      "unknown rules, equal names, tokens",
      `cases:
  - ${caseText({ expect: "{ decision: rejected, fails: [chang-window] }" })}
  - ${caseText({ request: "{ service: a, environment: b, approvals: [eyJhbGciOi], overrides: [eyJ] }", expect: "{ decision: approved }" })}
`,
      [
        'cases[0].expect.fails[0]: unknown rule; did you mean "change-window"?',
        "cases[1].name: another case of this file has the same name",
        "cases[1].request.approvals[0]: signed approvals cannot be tested; write { by, of: query-plans }",
        "cases[1].request.overrides: overrides cannot be tested",
      ],
    ],
    [
      "policies and evidence that are not there",
      `policies: [reviews.yaml]\ncases: [${caseText({ evidence: "[../e.json]", expect: "{ decision: approved }" })}]`,
      [
        'there is no policy "reviews.yaml"; did you mean "team/review.yaml"?',
        '"../e.json": there is no such file: e.json',
      ],
    ],
    ["no cases", "cases: []", ["cases: expected at least 1 entry"]],
    ["not YAML", "cases: [", ["not valid YAML"]],
    [
      "an inline bundle that is none",
      `cases: [${caseText({ evidence: "[{ version: 1 }]", expect: "{ decision: approved }" })}]`,
      ["cases[0].evidence[0].capturedAt: the key is missing", "cases[0].evidence[0].server: the key is missing"],
    ],
  ];
  test.each(cases)("%s", (_, text, expected) => {
    const lines = errorOf(() => run(text)).split(/\n\s+/);
    expect(lines).toEqual(expected.map((line) => expect.stringContaining(line)));
  });

  test("broken policies", () => {
    const extra = [{ path: "broken.yaml", content: "version: 1\n" }];
    expect(errorOf(() => run(`cases: [${caseText({ expect: "{ decision: approved }" })}]`, { extra }))).toContain(
      "policies/broken.yaml:1:1: policy: the key is missing",
    );
  });

  test("broken evidence files", () => {
    const text = `cases: [${caseText({ evidence: "[e.json]", expect: "{ decision: approved }" })}]`;
    const withFile = (content: string | Uint8Array) =>
      errorOf(() => run(text, { readFile: () => Buffer.from(content) }));
    expect(withFile("{")).toContain('"e.json": not valid JSON: line 1, column 2:');
    expect(withFile("{}")).toContain('"e.json": not valid evidence:');
    expect(withFile(Uint8Array.of(0xff))).toContain('"e.json": the file is not UTF-8 text');
  });

  test("no tests at all: a pipeline that runs none must not be green", () => {
    expect(errorOf(() => run("", { files: [{ path: "weekdays.yaml", content: weekdays }] }))).toBe(
      "policies:1:1: no policy tests here: no *.test.yaml file",
    );
    expect(errorOf(() => run("cases: []", { only: "b.test.yaml" }))).toContain(
      "policies/b.test.yaml:1:1: no policy tests",
    );
  });
});

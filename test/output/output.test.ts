import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Decision, decisionSchema } from "../../src/core/decision.ts";
import { formatGithub } from "../../src/output/github.ts";
import { formatJson } from "../../src/output/json.ts";
import { formatSarif, type SarifContext } from "../../src/output/sarif.ts";
import { formatText } from "../../src/output/text.ts";

const cases = ["incident-friday", "approved-wednesday", "hostile-mixed"];

const context: SarifContext = {
  toolVersion: "1.2.3",
  rules: [
    {
      id: "index-usage",
      summary: "A dropped index must show no scans.",
      rationale: "Counters do not lie, comments do.",
    },
  ],
  policyLocations: new Map([["schema-changes", { path: "policies/schema-changes.yaml", line: 1 }]]),
  fallback: { path: "policies", line: 1 },
};

function decisionOf(name: string): Decision {
  return decisionSchema.parse(JSON.parse(readFileSync(join(__dirname, `${name}.decision.json`), "utf8")));
}

/** Compares with the golden file; `UPDATE_GOLDEN=1 npx jest test/output` writes it anew for review. */
function expectGolden(file: string, actual: string): void {
  const path = join(__dirname, file);
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(path, actual);
  expect(actual).toBe(readFileSync(path, "utf8"));
}

describe.each(cases)("%s", (name) => {
  const decision = decisionOf(name);

  test("as text", () => expectGolden(`${name}.txt`, formatText(decision, { width: 80, colour: false })));
  test("as GitHub annotations", () => expectGolden(`${name}.github.txt`, formatGithub(decision)));
  test("as SARIF", () => expectGolden(`${name}.sarif.json`, formatSarif(decision, context)));
  test("as JSON it is the decision", () => expect(JSON.parse(formatJson(decision))).toEqual(decision));
});

test("text keeps prose within the width and paste-ready lines whole", () => {
  const decision = decisionOf("incident-friday");
  const narrow = formatText(decision, { width: 50, colour: false }).split("\n");
  const prose = narrow.slice(0, narrow.indexOf("Evidence used:")).filter((line) => /^ {4}[A-Z]/.test(line));
  expect(Math.max(...prose.map((line) => line.length))).toBeLessThanOrEqual(50);
  expect(narrow).toContain("         DROP INDEX CONCURRENTLY idx_orders_user_id_ca;");
  expect(narrow).toContain("           ON public.orders (user_id, status, created_at DESC);");
});

test("text says when an open window closes too soon", () => {
  const decision = decisionOf("approved-wednesday");
  const rejected: Decision = {
    ...decision,
    decision: "rejected",
    allowed: false,
    notAfter: null,
    evaluatedAt: "2026-03-18T18:55:00.000Z",
    window: { ...decision.window, fits: false, nextFit: "2026-03-19T04:00:00.000Z" },
  };
  const text = formatText(rejected, { width: 80, colour: false });
  expect(text).toContain("Earliest: Thu 2026-03-19 00:00 America/New_York (2026-03-19 04:00 UTC)");
  expect(text).toMatch(
    /closes Wed 2026-03-18 15:00 America\/New_York\s+\(2026-03-18\s+19:00 UTC\), too soon for\s+10m/,
  );
});

test("colour changes nothing but the colour", () => {
  const decision = decisionOf("incident-friday");
  const plain = formatText(decision, { width: 80, colour: false });
  const colourful = formatText(decision, { width: 80, colour: true });
  expect(colourful).toContain("\u001b[1;31mREJECTED\u001b[0m");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is removed
  expect(colourful.replace(/\u001b\[[0-9;]*m/g, "")).toBe(plain);
});

describe("input that tries to take over the reader's terminal or log", () => {
  const hostile = 'a\u001b]0;owned\u0007\u001b[2J\r\n::set-output name=x::y\u2028\u202eb\u200bc\u0085\ud800 %0A"';
  const decision = decisionOf("hostile-mixed");
  const poisoned: Decision = {
    ...decision,
    service: hostile,
    environment: hostile,
    commit: hostile,
    requestedBy: hostile,
    policies: [hostile],
    warnings: [hostile],
    evidence: [{ server: hostile, digest: "sha256:00", trust: "asserted", capturedAt: decision.evaluatedAt }],
    window: {
      ...decision.window,
      neverOpensReason: hostile,
      because: [{ policy: hostile, kind: "freeze", interval: null, reason: hostile, text: hostile }],
    },
    findings: decision.findings.map((finding) => ({
      ...finding,
      policy: hostile,
      subject: hostile,
      message: hostile,
      help: hostile,
      waivedBy: finding.waivedBy === null ? null : hostile,
      location: { path: hostile, line: 1 },
    })),
  };

  test.each([
    ["text", formatText(poisoned, { width: 80, colour: false })],
    ["github", formatGithub(poisoned)],
  ])("%s prints no control, invisible or direction-changing character", (_, output) => {
    expect(output.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  });

  test("a GitHub annotation stays one line, and one command", () => {
    for (const line of formatGithub(poisoned).trimEnd().split("\n")) {
      expect(line).toMatch(/^::(error|warning|notice) /);
    }
    expect(formatGithub(poisoned)).toContain("%250A");
  });

  test("SARIF stays well-formed, its URIs relative", () => {
    const log = JSON.parse(formatSarif(poisoned, context));
    expect(log.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri).not.toMatch(/[\s:]/);
  });
});

describe("SARIF", () => {
  test.each(cases)("%s: every result has a rule, a level, a location and a fingerprint", (name) => {
    const decision = decisionOf(name);
    const [run] = JSON.parse(formatSarif(decision, context)).runs;
    expect(run.results).toHaveLength(decision.findings.filter(({ outcome }) => outcome !== "pass").length);
    const prints = run.results.map((result: { partialFingerprints: object }) =>
      JSON.stringify(result.partialFingerprints),
    );
    expect(new Set(prints).size).toBe(prints.length);
    for (const result of run.results) {
      expect(run.tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId);
      expect(["error", "warning", "note"]).toContain(result.level);
      const { artifactLocation, region } = result.locations[0].physicalLocation;
      expect(artifactLocation.uri).not.toBe("");
      expect(region.startLine).toBeGreaterThan(0);
    }
  });

  test("a finding without a place points at its policy, or else at the fallback", () => {
    const uriOf = (name: string, ruleId: string) => {
      const [run] = JSON.parse(formatSarif(decisionOf(name), context)).runs;
      const result = run.results.find((entry: { ruleId: string }) => entry.ruleId === ruleId);
      return result.locations[0].physicalLocation.artifactLocation.uri;
    };
    expect(uriOf("incident-friday", "replica-explain")).toBe("policies/schema-changes.yaml");
    expect(uriOf("hostile-mixed", "unmatched")).toBe("policies");
  });

  test("a Windows path is a relative URI too", () => {
    const decision = decisionOf("incident-friday");
    const [finding] = decision.findings;
    const moved = {
      ...decision,
      findings: [{ ...finding, location: { path: ".\\db\\a b.sql", line: 2 } }],
    } as Decision;
    expect(formatSarif(moved, context)).toContain('"uri": "db/a%20b.sql"');
  });
});

describe("several policies that say the same", () => {
  const [finding] = decisionOf("incident-friday").findings;
  const decision = {
    ...decisionOf("incident-friday"),
    findings: [
      { ...finding, policy: "a", location: { path: "policies/a.yaml", line: 4 } },
      { ...finding, policy: "b", location: { path: "policies/b.yaml", line: 9 } },
      { ...finding, policy: "c", outcome: "pass", message: "The change window is open.", help: null },
    ],
  } as Decision;

  test("are one finding for people, with every policy and place, and no pass that contradicts it", () => {
    const text = formatText(decision, { width: 80, colour: false });
    expect(text).toContain("Blocked by 1 finding:");
    expect(text).toContain("    where:    policies/a.yaml:4\n    where:    policies/b.yaml:9\n    policies: a, b\n");
    expect(text).not.toContain("The change window is open.");
  });

  test("are annotated at each place", () => {
    expect(formatGithub(decision)).toMatch(/file=policies\/a\.yaml,line=4[\s\S]*file=policies\/b\.yaml,line=9/);
  });

  test("stay apart in SARIF", () => {
    expect(JSON.parse(formatSarif(decision, context)).runs[0].results).toHaveLength(2);
  });
});

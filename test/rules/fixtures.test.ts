import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Decision } from "../../src/core/decision.ts";
import { loadPolicySet } from "../../src/core/policy/load.ts";
import { rules } from "../../src/core/rules/index.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { decideAsked, readJsonIfThere } from "../support/decide.ts";
import { expectGolden } from "../support/golden.ts";

/**
 * test/rules/<rule-id>/{bad,good}-<case>/ holds migration.sql, policy.yaml (this rule alone), and where the case needs
 * them evidence.json and request.json (more of the request, and `at`). decision.json is what the rule must say.
 */
const folders = readdirSync(__dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory());

beforeAll(loadGrammar);

test("every rule has a bad and a good case", () => {
  for (const id of rules.keys()) {
    const cases = existsSync(join(__dirname, id)) ? readdirSync(join(__dirname, id)) : [];
    expect([id, cases.some((name) => name.startsWith("bad-"))]).toEqual([id, true]);
    expect([id, cases.some((name) => name.startsWith("good-"))]).toEqual([id, true]);
  }
});

describe.each(folders.map(({ name }) => name))("%s", (ruleId) => {
  const cases = readdirSync(join(__dirname, ruleId)).sort();
  test.each(cases)("%s", (name) => {
    const folder = join(__dirname, ruleId, name);
    const decision = decideCase(folder);
    const findings = decision.findings.filter((finding) => finding.ruleId === ruleId);
    expect(findings.some(({ outcome }) => outcome !== "pass")).toBe(name.startsWith("bad-"));
    expect(decision.allowed).toBe(name.startsWith("good-"));
    expectGolden(join(folder, "decision.json"), {
      decision: decision.decision,
      findings: findings.map(({ outcome, subject, message, help, location }) => ({
        outcome,
        subject,
        message,
        help,
        location,
      })),
    });
  });
});

function decideCase(folder: string): Decision {
  const sql = readFileSync(join(folder, "migration.sql"), "utf8");
  const extra = (readJsonIfThere(join(folder, "request.json")) ?? {}) as { at?: string };
  const { at = "2026-03-18T14:00:00Z", ...request } = extra;
  return decideAsked({
    policySet: loadPolicySet([{ path: "policy.yaml", content: readFileSync(join(folder, "policy.yaml")) }]),
    request: {
      service: "orders",
      environment: "production",
      migrations: [{ path: "migration.sql", sql }],
      ...request,
    },
    evidence: readJsonIfThere(join(folder, "evidence.json")),
    at,
  });
}

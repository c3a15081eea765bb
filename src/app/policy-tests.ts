import type { Approval } from "../core/approvals.ts";
import { hourMs } from "../core/calendar/civil.ts";
import { decide } from "../core/decide.ts";
import type { Decision } from "../core/decision.ts";
import { PlangateError } from "../core/errors.ts";
import { parseEvidence, type TrustedBundle } from "../core/evidence/bundle.ts";
import { parseJson } from "../core/json.ts";
import type { RuleRegistry } from "../core/policy/bind-rules.ts";
import { type DocumentIssue, decodeUtf8, PolicyError, quoted, type SourceFile } from "../core/policy/document-error.ts";
import { loadPolicySet, policyFileKind } from "../core/policy/load.ts";
import type { PolicySet } from "../core/policy/policy.ts";
import { type PolicyTestCase, type PolicyTestFile, parsePolicyTestFile } from "../core/policy/policy-test-file.ts";
import { displayPath, resolveFrom } from "../core/policy/relative-path.ts";
import { didYouMean } from "../core/policy/suggest.ts";
import type { DeployRequest } from "../core/request.ts";
import { rules as everyRule } from "../core/rules/index.ts";
import type { SourceLocation } from "../core/values.ts";

export interface PolicyTestInput {
  /** The policy directory's files, policy tests among them; paths relative to it. */
  files: readonly SourceFile[];
  /** What messages put before the files' paths. */
  directory: string;
  /** One test file, relative to the directory; absent: all. */
  only?: string;
  /** Reads an evidence file; `path` is relative to the policy directory and may lead out of it. Throws PlangateError. */
  readFile(path: string): Uint8Array;
  /** Version of the time-zone database, as decisions record it. */
  timeZoneDatabase: string;
  rules?: RuleRegistry;
}

export interface PolicyTestResult {
  name: string;
  location: SourceLocation;
  passed: boolean;
  expected: { decision: Decision["decision"]; fails: readonly string[] };
  actual: { decision: Decision["decision"]; fails: readonly string[] };
  decision: Decision;
}

export interface PolicyTestReport {
  passed: boolean;
  results: readonly PolicyTestResult[];
}

/**
 * Runs policy tests with the engine that decides. The SQL grammar must have been loaded.
 * @throws PolicyError (`invalid-policy`) with everything that is wrong with the tests, their evidence and their policies
 */
export function runPolicyTests(input: PolicyTestInput): PolicyTestReport {
  const { directory, rules = everyRule } = input;
  const issues: DocumentIssue[] = [];
  const results: PolicyTestResult[] = [];
  const files = input.files.filter(({ path }) => policyFileKind(path) === "test" && (input.only ?? path) === path);
  if (files.length === 0) {
    const path = input.only === undefined ? directory : displayPath(directory, input.only);
    throw new PolicyError([
      { path, line: 1, column: 1, key: null, message: "no policy tests here: no *.test.yaml file" },
    ]);
  }
  for (const file of files) {
    const { test, issues: ownIssues } = parsePolicyTestFile(file, displayPath(directory, file.path), rules);
    issues.push(...ownIssues);
    const set = test === null ? null : policiesOf(test, file.path, input, issues);
    for (const one of test?.cases ?? []) {
      const bundles = evidenceOf(one, file.path, input, issues);
      if (set !== null && issues.length === 0) results.push(runCase(one, set, bundles, input.timeZoneDatabase));
    }
  }
  if (issues.length > 0) throw new PolicyError(issues);
  return { passed: results.every(({ passed }) => passed), results };
}

function policiesOf(
  test: PolicyTestFile,
  testPath: string,
  { files, directory, rules }: PolicyTestInput,
  issues: DocumentIssue[],
): PolicySet | null {
  const names = files.map(({ path }) => path).filter((path) => policyFileKind(path) === "policy");
  const wanted = new Set<string>();
  for (const { path, location } of test.policies ?? []) {
    const name = resolveFrom(testPath, path);
    if (names.includes(name)) wanted.add(name);
    else {
      const hint = didYouMean(name, names);
      const message = `there is no policy ${quoted(path)}${hint === "" ? ";" : hint} policies: ${names.join(", ")}`;
      issues.push({ column: 1, ...location, key: "policies", message });
    }
  }
  const kept = files.filter(
    ({ path }) => test.policies === null || policyFileKind(path) !== "policy" || wanted.has(path),
  );
  if (test.policies !== null && wanted.size === 0) return null;
  try {
    return loadPolicySet(kept, { directory, ...(rules === undefined ? {} : { rules }) });
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    issues.push(...error.issues);
    return null;
  }
}

function evidenceOf(
  { parsed, evidence, evidenceTrust }: PolicyTestCase,
  testPath: string,
  input: PolicyTestInput,
  issues: DocumentIssue[],
): TrustedBundle[] {
  const bundles = parsed.bundles.map((bundle) => ({ ...bundle, trust: evidenceTrust }));
  for (const entry of evidence) {
    if ("raw" in entry) {
      bundles.push(...parseEvidence(entry.raw, "evidence", evidenceTrust));
      continue;
    }
    try {
      const text = decodeUtf8(input.readFile(resolveFrom(testPath, entry.path)));
      if (text === null) throw new PlangateError("bad-evidence", "the file is not UTF-8 text");
      bundles.push(...parseEvidence(parseJson(text, "not valid JSON"), "not valid evidence", evidenceTrust));
    } catch (error) {
      if (!(error instanceof PlangateError)) throw error;
      const message = `${quoted(entry.path)}: ${error.message}`;
      issues.push({ column: 1, ...entry.location, key: "evidence", message });
    }
  }
  return bundles;
}

function runCase(
  { name, location, at, parsed, expect }: PolicyTestCase,
  policySet: PolicySet,
  bundles: readonly TrustedBundle[],
  timeZoneDatabase: string,
): PolicyTestResult {
  const decision = decide({
    id: "dec_policy-test",
    policySet,
    request: parsed.request,
    bundles,
    approvals: approvalsOf(parsed.request),
    rollbackToApproved: false,
    unmatched: "reject",
    leaseMs: hourMs,
    timeZoneDatabase,
    warnings: [],
    at,
  });
  const failing = decision.findings.filter(({ outcome }) => outcome !== "pass").map(({ ruleId }) => ruleId);
  const actual = { decision: decision.decision, fails: [...new Set(failing)].sort() };
  const expected = { decision: expect.decision, fails: [...new Set(expect.fails)].sort() };
  const passed = actual.decision === expected.decision && actual.fails.join() === expected.fails.join();
  return { name, location, passed, expected, actual, decision };
}

/** A test vouches for the approvals that it writes; tokens have nobody to check them here. */
function approvalsOf(request: DeployRequest): Approval[] {
  return (request.approvals ?? []).flatMap((approval) =>
    typeof approval === "string"
      ? []
      : [{ by: approval.by, of: approval.of, at: approval.at ?? null, verified: false }],
  );
}

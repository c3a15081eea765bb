import { version } from "../../../package.json";
import type { PolicyTestReport, PolicyTestResult } from "../../app/policy-tests.ts";
import type { DocumentIssue } from "../../core/policy/document-error.ts";
import type { PolicySet } from "../../core/policy/policy.ts";
import { type Palette, palette } from "../../output/colour.ts";
import { paragraph, printable } from "../../output/printable.ts";
import { type Problem, problemsGithub, problemsSarif } from "../../output/problems.ts";
import { plural } from "../../output/time.ts";

export const reportFormats = ["text", "json", "sarif", "github"] as const;
export type ReportFormat = (typeof reportFormats)[number];

const ruleTexts = {
  "invalid-policy": "Every file of the policy directory must be valid; the set loads whole or not at all.",
  "policy-warning": "Things that load but deserve a look.",
  "policy-test": "A policy test must get the decision that it expects.",
} as const;

export interface Validation {
  /** As the user wrote it. */
  directory: string;
  /** null: with errors. */
  set: PolicySet | null;
  errors: readonly DocumentIssue[];
}

/** The result of `policy validate`. */
export function validationReport(
  validation: Validation,
  format: ReportFormat,
  { colour }: { colour: boolean },
): string {
  const { directory, set, errors } = validation;
  const warnings = set?.warnings ?? [];
  const problems: Problem[] = [
    ...errors.map((issue) => ({ level: "error" as const, ruleId: "invalid-policy", ...placed(issue) })),
    ...warnings.map((warning) => ({ level: "warning" as const, ruleId: "policy-warning", ...warning })),
  ];
  const verdict =
    set === null
      ? `${printable(directory)}: ${plural(errors.length, "problem")}`
      : `${printable(directory)}: ${set.policies.length === 1 ? "1 policy is" : `${set.policies.length} policies are`} valid`;
  if (format === "text") return validationText(validation, verdict, problems, palette(colour));
  if (format === "github") return problemsGithub(problems, verdict);
  if (format === "sarif") return sarif(problems, ["invalid-policy", "policy-warning"]);
  const policies = (set?.policies ?? []).map(({ id, location, enforcement, rules }) => ({
    id,
    location,
    enforcement,
    rules: rules.map(({ rule }) => rule.id),
  }));
  return json({ valid: set !== null, policyDigest: set?.digest ?? null, policies, errors, warnings });
}

function placed({ path, line, column, key, message }: DocumentIssue): Pick<Problem, "location" | "message"> {
  return { location: { path, line, column }, message: key === null ? message : `${key}: ${message}` };
}

function validationText({ set }: Validation, verdict: string, problems: readonly Problem[], paint: Palette): string {
  const lines = [set === null ? paint.bad(verdict) : paint.good(verdict)];
  const width = Math.max(0, ...(set?.policies ?? []).map(({ id }) => id.length));
  for (const { id, location } of set?.policies ?? []) lines.push(`  ${id.padEnd(width)}  ${printable(location.path)}`);
  for (const { level, location, message } of problems) {
    const mark = level === "warning" ? paint.caution("warning ") : "";
    lines.push(`  ${mark}${place(location)}: ${paragraph(message)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** The result of `policy test`. */
export function testReport(report: PolicyTestReport, format: ReportFormat, { colour }: { colour: boolean }): string {
  const { passed, results } = report;
  const failed = results.filter((result) => !result.passed);
  const counts = `${results.length - failed.length} passed, ${failed.length} failed`;
  if (format === "text") return testText(results, counts, passed, palette(colour));
  const problems = failed.map(
    (result): Problem => ({
      level: "error",
      ruleId: "policy-test",
      location: result.location,
      message: [`${result.name}: ${difference(result)}`, ...surprises(result)].join(" "),
    }),
  );
  if (format === "github") return problemsGithub(problems, counts);
  if (format === "sarif") return sarif(problems, ["policy-test"]);
  return json({ passed, results });
}

function testText(results: readonly PolicyTestResult[], counts: string, passed: boolean, paint: Palette): string {
  const lines: string[] = [];
  let file: string | null = null;
  for (const result of results) {
    if (result.location.path !== file) {
      file = result.location.path;
      lines.push(...(lines.length === 0 ? [] : [""]), paint.strong(printable(file)));
    }
    lines.push(`  ${result.passed ? paint.good("pass") : paint.bad("FAIL")}  ${paragraph(result.name)}`);
    if (result.passed) continue;
    lines.push(`        ${place(result.location)}: ${difference(result)}`);
    lines.push(...surprises(result).map((line) => `        ${paragraph(line)}`));
  }
  return `${[...lines, "", passed ? paint.good(counts) : paint.bad(counts)].join("\n")}\n`;
}

function difference({ expected, actual }: PolicyTestResult): string {
  const text = ({ decision, fails }: PolicyTestResult["expected"]) =>
    fails.length === 0 ? decision : `${decision} by ${fails.join(", ")}`;
  return `expected ${text(expected)}; got ${text(actual)}.`;
}

/** What the rules that were not expected to fail say. */
function surprises({ decision, expected }: PolicyTestResult): string[] {
  return decision.findings
    .filter(({ outcome, ruleId }) => outcome !== "pass" && !expected.fails.includes(ruleId))
    .map(({ ruleId, message }) => `${ruleId}: ${message}`);
}

function sarif(problems: readonly Problem[], ids: readonly (keyof typeof ruleTexts)[]): string {
  return problemsSarif(problems, { toolVersion: version, rules: new Map(ids.map((id) => [id, ruleTexts[id]])) });
}

function place({ path, line, column }: Problem["location"]): string {
  return `${printable(path)}:${line}${column === undefined ? "" : `:${column}`}`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

import type { Decision } from "../core/decision.ts";
import { localAndUtc } from "../core/local-time.ts";
import { type Palette, palette } from "./colour.ts";
import { type FindingGroup, locationText, type SortedFindings, sortFindings } from "./findings.ts";
import { paragraph, printable, printableLines, shorten, wrap } from "./printable.ts";
import { plural, roughDuration } from "./time.ts";

export interface TextOptions {
  /** Columns for prose. Paste-ready lines, paths and digests may be longer. */
  width: number;
  colour: boolean;
}

const maxPassLines = 12;

/**
 * The decision for a person: verdict, what blocks and what to do about it, warnings, what passed, when it could go out,
 * the evidence that was used. In a finding's help the first line is prose (unless it ends in ";"); further lines are
 * there to be pasted and are printed as they are.
 */
export function formatText(decision: Decision, { width, colour }: TextOptions): string {
  const paint = palette(colour);
  const findings = sortFindings(decision);
  const sections = [
    verdict(decision, paint),
    findingSection(`Blocked by ${plural(findings.blocking.length, "finding")}`, findings.blocking, paint.bad, width),
    findingSection(
      "Waived by an override (the verdict stands, it does not block)",
      findings.waived,
      paint.caution,
      width,
    ),
    findingSection("Warnings (they do not block)", findings.warnings, paint.caution, width),
    findingSection("Dry run (would block if the policy were enforced)", findings.dryRun, paint.caution, width),
    passedSection(findings.passed, paint, width),
    overrideSection(decision, paint, width),
    whenSection(decision, findings, paint, width),
    evidenceSection(decision, paint),
    noteSection(decision, paint, width),
    [
      paint.faint(`decision ${decision.id}  policies ${decision.policyDigest}`),
      paint.faint(`request ${decision.requestDigest}`),
      ...plansLine(decision).map(paint.faint),
    ],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function verdict(decision: Decision, paint: Palette): string[] {
  const word = decision.allowed ? paint.good("APPROVED") : paint.bad("REJECTED");
  const target = `${printable(decision.service)} to ${printable(decision.environment)}`;
  const commit = decision.commit === null ? "" : `, commit ${printable(decision.commit)}`;
  const by = decision.requestedBy === null ? "" : `, requested by ${printable(decision.requestedBy)}`;
  return [
    `${word}  ${paint.strong(target)}${commit}${by}`,
    `at ${localAndUtc(new Date(decision.evaluatedAt), decision.window.timeZone)}`,
  ];
}

function findingSection(
  title: string,
  groups: readonly FindingGroup[],
  mark: (text: string) => string,
  width: number,
): string[] {
  if (groups.length === 0) return [];
  const entries = groups.map((group, index) => findingLines(group, index + 1, mark, width).join("\n"));
  return [`${mark(title)}:`, "", entries.join("\n\n")];
}

function findingLines(
  { finding, policies, locations }: FindingGroup,
  number: number,
  mark: (text: string) => string,
  width: number,
) {
  const inconclusive = finding.outcome === "inconclusive" ? " (inconclusive)" : "";
  const facts: [string, string | null][] = [
    ...locations.map((location): [string, string] => ["where", printable(locationText(location))]),
    [policies.length > 1 ? "policies" : "policy", policies.length === 0 ? null : policies.map(printable).join(", ")],
    ["waived", finding.waivedBy === null ? null : printable(finding.waivedBy)],
  ];
  return [
    `${String(number).padStart(2)}. ${mark(printable(finding.ruleId))}  ${printable(finding.subject)}${inconclusive}`,
    ...wrap(paragraph(finding.message), width - 4).map((line) => `    ${line}`),
    ...(finding.help === null ? [] : helpLines(finding.help, width)),
    ...facts.flatMap(([label, value]) => (value === null ? [] : [`    ${`${label}:`.padEnd(9)} ${value}`])),
  ];
}

function helpLines(help: string, width: number): string[] {
  const [first = "", ...paste] = printableLines(help);
  const prose = first.endsWith(";") ? [first] : wrap(first, width - 7);
  return [
    ...prose.map((line, index) => (index === 0 ? `    -> ${line}` : `       ${line}`)),
    ...paste.map((line) => (line === "" ? "" : `         ${line}`)),
  ];
}

function passedSection(passed: readonly FindingGroup[], paint: Palette, width: number): string[] {
  if (passed.length === 0) return [];
  const rules = new Map<string, FindingGroup[]>();
  for (const group of passed) rules.set(group.finding.ruleId, [...(rules.get(group.finding.ruleId) ?? []), group]);
  const column = Math.max(...[...rules.keys()].map((rule) => rule.length));
  const line = (rule: string, text: string) => shorten(`    ${rule.padEnd(column)}  ${text}`, width);
  if (passed.length <= maxPassLines) {
    const lines = passed.map(({ finding }) => line(printable(finding.ruleId), paragraph(finding.message)));
    return [`${paint.good("Passed")}:`, ...lines];
  }
  const counts = [...rules].map(([rule, groups]) => line(printable(rule), plural(groups.length, "check")));
  return [`${paint.good("Passed")}:`, ...counts];
}

function whenSection(decision: Decision, { blocking }: SortedFindings, paint: Palette, width: number): string[] {
  const { window } = decision;
  const show = (instant: string) => localAndUtc(new Date(instant), window.timeZone);
  const lines: string[] = [];
  if (decision.notAfter !== null) lines.push(`Start it before ${show(decision.notAfter)}; after that, ask again.`);
  if (!decision.allowed) {
    if (window.fits) {
      lines.push(
        window.nextClose === null
          ? "The change window is open."
          : `The change window is open until ${show(window.nextClose)}.`,
      );
      if (blocking.length > 0) lines.push("Resolve what is listed above and ask again.");
    } else if (window.nextFit !== null) {
      lines.push(`Earliest: ${show(window.nextFit)}`);
      if (window.nextClose !== null && window.open) {
        lines.push(`The window that is open now closes ${show(window.nextClose)}, too soon for ${window.duration}.`);
      }
      lines.push(...otherFindings(blocking));
    } else {
      lines.push(window.neverOpensReason ?? "No window in sight fits this deploy.");
    }
  }
  if (lines.length === 0) return [];
  const reasons = window.fits ? [] : window.because.map(({ policy, text }) => `${policy}: ${text}`);
  const prose = [...lines, ...reasons].flatMap((line) => wrap(paragraph(line), width - 4).map((part) => `    ${part}`));
  return [`${paint.strong(decision.allowed ? "Go ahead" : "When it could go out")}:`, ...prose];
}

/** Who has signed what, and what would have been decided without it. */
function overrideSection({ overrides = [], withoutOverrides }: Decision, paint: Palette, width: number): string[] {
  if (overrides.length === 0 || withoutOverrides === undefined) return [];
  const lines = overrides.flatMap(({ jti, by, rules, reason, ticket, consumed }) => {
    const where = ticket === null ? "" : ` (${ticket})`;
    const text = `${by} waives ${rules.join(", ")}${where}: ${reason}`;
    const prose = wrap(paragraph(text), width - 4).map((line) => `    ${line}`);
    return [
      ...prose,
      `    ${paint.faint(`${printable(jti)}, ${consumed ? "used up by this approval" : "not used up"}`)}`,
    ];
  });
  return [`${paint.strong("Overrides")} (without them: ${withoutOverrides}):`, ...lines];
}

/** What `plangate approve` signs, for those who still have to. */
function plansLine({ findings, plansDigest }: Decision): string[] {
  const unreviewed = findings.some(({ ruleId, outcome }) => ruleId === "human-review" && outcome !== "pass");
  return plansDigest === undefined || !unreviewed ? [] : [`query plans ${plansDigest}`];
}

/** Waiting for the window alone does not help when other rules block too. */
function otherFindings(blocking: readonly FindingGroup[]): string[] {
  const others = blocking.filter(({ finding }) => finding.ruleId !== "change-window" && finding.ruleId !== "freeze");
  return others.length === 0
    ? []
    : ["That is when the calendar allows it; the other findings above have to be resolved too."];
}

function evidenceSection(decision: Decision, paint: Palette): string[] {
  if (decision.evidence.length === 0) return [`${paint.strong("Evidence used")}: none`];
  const column = Math.max(...decision.evidence.map(({ server }) => printable(server).length));
  const lines = decision.evidence.map(({ server, trust, capturedAt, digest }) => {
    const age = Date.parse(decision.evaluatedAt) - Date.parse(capturedAt);
    const when = age < 0 ? `${roughDuration(-age)} in the future` : `${roughDuration(age)} old`;
    return `    ${printable(server).padEnd(column)}  ${trust}, ${when}  ${paint.faint(digest.slice(0, 19))}`;
  });
  return [`${paint.strong("Evidence used")}:`, ...lines];
}

function noteSection(decision: Decision, paint: Palette, width: number): string[] {
  if (decision.warnings.length === 0) return [];
  const notes = decision.warnings.flatMap((warning) =>
    wrap(paragraph(warning), width - 6).map((line, index) => (index === 0 ? `  - ${line}` : `    ${line}`)),
  );
  return [`${paint.caution("Take note")}:`, ...notes];
}

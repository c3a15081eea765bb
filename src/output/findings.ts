import type { Decision, Finding } from "../core/decision.ts";

/** The same result under several policies or at several places, told once. */
export interface FindingGroup {
  finding: Finding;
  /** Ids of the policies; empty: the gate itself. */
  policies: readonly string[];
  /** Where it was found; empty: nowhere in particular. */
  locations: readonly NonNullable<Finding["location"]>[];
}

export interface SortedFindings {
  /** Why the request is rejected. */
  blocking: readonly FindingGroup[];
  /** Would block, were they not waived by an override. */
  waived: readonly FindingGroup[];
  warnings: readonly FindingGroup[];
  /** Would block if their policy were enforced. */
  dryRun: readonly FindingGroup[];
  passed: readonly FindingGroup[];
}

export function sortFindings(decision: Decision): SortedFindings {
  const groups = groupFindings(decision.findings);
  const failed = groups.filter(({ finding }) => finding.outcome !== "pass");
  const standing = failed.filter(({ finding }) => finding.waivedBy === null);
  const blocking = standing.filter(({ finding }) => finding.enforcement === "deny");
  const questions = new Set(failed.map(({ finding }) => questionOf(finding)));
  return {
    // What is known to be wrong comes before what is not known.
    blocking: [...blocking.filter(isFailure), ...blocking.filter((group) => !isFailure(group))],
    waived: failed.filter(({ finding }) => finding.waivedBy !== null),
    warnings: standing.filter(({ finding }) => finding.enforcement === "warn"),
    dryRun: standing.filter(({ finding }) => finding.enforcement === "dryrun"),
    // "The change window is open" helps nobody while another policy's is closed.
    passed: groups.filter(({ finding }) => finding.outcome === "pass" && !questions.has(questionOf(finding))),
  };
}

function isFailure({ finding }: FindingGroup): boolean {
  return finding.outcome === "fail";
}

function questionOf({ ruleId, subject }: Finding): string {
  return JSON.stringify([ruleId, subject]);
}

function groupFindings(findings: readonly Finding[]): FindingGroup[] {
  const groups = new Map<
    string,
    { finding: Finding; policies: Set<string>; locations: Map<string, NonNullable<Finding["location"]>> }
  >();
  for (const finding of findings) {
    const { policy, location, details: _details, ...rest } = finding;
    const key = JSON.stringify(rest);
    const group = groups.get(key) ?? { finding, policies: new Set(), locations: new Map() };
    if (policy !== null) group.policies.add(policy);
    if (location !== null) group.locations.set(JSON.stringify(location), location);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ finding, policies, locations }) => ({
    finding,
    policies: [...policies],
    locations: [...locations.values()],
  }));
}

/** "path:line:column" as compilers print it. */
export function locationText(location: NonNullable<Finding["location"]>): string {
  const column = location.column === undefined ? "" : `:${location.column}`;
  return `${location.path}:${location.line}${column}`;
}

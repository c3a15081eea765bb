import type { Decision, Finding } from "../core/decision.ts";

/** The same result under several policies, told once. */
export interface FindingGroup {
  finding: Finding;
  /** Ids of the policies; empty: the gate itself. */
  policies: readonly string[];
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
  return {
    blocking: standing.filter(({ finding }) => finding.enforcement === "deny"),
    waived: failed.filter(({ finding }) => finding.waivedBy !== null),
    warnings: standing.filter(({ finding }) => finding.enforcement === "warn"),
    dryRun: standing.filter(({ finding }) => finding.enforcement === "dryrun"),
    passed: groups.filter(({ finding }) => finding.outcome === "pass"),
  };
}

function groupFindings(findings: readonly Finding[]): FindingGroup[] {
  const groups = new Map<string, { finding: Finding; policies: string[] }>();
  for (const finding of findings) {
    const { policy, details: _details, ...rest } = finding;
    const key = JSON.stringify(rest);
    const group = groups.get(key) ?? { finding, policies: [] };
    if (policy !== null && !group.policies.includes(policy)) group.policies.push(policy);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** "path:line:column" as compilers print it. */
export function locationText(location: Finding["location"]): string | null {
  if (location === null) return null;
  const column = location.column === undefined ? "" : `:${location.column}`;
  return `${location.path}:${location.line}${column}`;
}

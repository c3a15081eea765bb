import type { Decision, Finding } from "../core/decision.ts";
import { formatDuration } from "../core/values.ts";

/** For every decision under policies that are kept because their files are broken. */
export function staleWarning(staleSince: Date | null): string[] {
  if (staleSince === null) return [];
  return [
    `The policy files have been broken since ${staleSince.toISOString()}; this decision follows the last good ones.`,
  ];
}

export function isTooStale(staleSince: Date | null, at: Date, staleAfterMs: number): staleSince is Date {
  return staleSince !== null && at.getTime() - staleSince.getTime() >= staleAfterMs;
}

/** Whatever the last good policies say. */
export function rejectedAsStale(decision: Decision, staleSince: Date, staleAfterMs: number): Decision {
  const finding: Finding = {
    policy: null,
    ruleId: "stale-policies",
    outcome: "inconclusive",
    enforcement: "deny",
    subject: `${decision.service}/${decision.environment}`,
    message: `The policy files have been broken since ${staleSince.toISOString()}, longer than the ${formatDuration(staleAfterMs)} for which the last good ones may stand in.`,
    help: "Repair the policy files (plangate policy validate names every error) and send the request again.",
    location: null,
    waivedBy: null,
    details: { staleSince: staleSince.toISOString() },
  };
  return {
    ...decision,
    decision: "rejected",
    allowed: false,
    notAfter: null,
    findings: [finding, ...decision.findings],
    ...(decision.overrides === undefined
      ? {}
      : {
          withoutOverrides: "rejected" as const,
          overrides: decision.overrides.map((override) => ({ ...override, consumed: false })),
        }),
  };
}

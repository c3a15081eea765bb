import type { Approval } from "./approvals.ts";
import { calendarState } from "./calendar/calendar-state.ts";
import type { CalendarPolicy } from "./calendar/types.ts";
import type { Decision, Finding } from "./decision.ts";
import { evaluatePolicies, isExemptRollback } from "./evaluate-policies.ts";
import type { TrustedBundle } from "./evidence/bundle.ts";
import type { RequiredNode } from "./evidence/view.ts";
import type { PolicySet } from "./policy/policy.ts";
import { type DeployRequest, requestDigest } from "./request.ts";
import { windowState } from "./window-state.ts";

/** Everything that a decision depends on. The decision is a pure function of it. */
export interface DecisionInput {
  id: string;
  policySet: PolicySet;
  request: DeployRequest;
  bundles: readonly TrustedBundle[];
  /** Where the gate reads the database's servers itself: those servers. */
  requiredNodes?: readonly RequiredNode[] | null;
  approvals: readonly Approval[];
  /** `action: rollback` to a commit that the gate approved before. */
  rollbackToApproved: boolean;
  /** What happens to requests without schema changes that no policy matches. */
  unmatched: "reject" | "approve";
  /** The longest time that an approval may wait to be used. */
  leaseMs: number;
  timeZoneDatabase: string;
  /** Things to tell the caller beside the findings. */
  warnings: readonly string[];
  at: Date;
}

/** Judges a deploy request. The SQL grammar must have been loaded. */
export function decide(input: DecisionInput): Decision {
  const { request, policySet, at } = input;
  const evaluation = evaluatePolicies(input);
  const allowed = !evaluation.findings.some(blocks);
  return {
    id: input.id,
    decision: allowed ? "approved" : "rejected",
    allowed,
    service: request.service,
    environment: request.environment,
    commit: request.commit ?? null,
    requestedBy: request.requestedBy ?? null,
    requestDigest: requestDigest(request),
    policyDigest: policySet.digest,
    policies: evaluation.matched.map(({ id }) => id),
    timeZoneDatabase: input.timeZoneDatabase,
    evaluatedAt: at.toISOString(),
    notAfter: allowed ? leaseEnd(input, evaluation.calendar, evaluation.durationMs).toISOString() : null,
    findings: evaluation.findings,
    window: windowState(evaluation.calendar, evaluation.timeZone, at, evaluation.durationMs),
    evidence: input.bundles.map(({ bundle, digest, trust }) => ({
      server: bundle.server.name,
      digest,
      trust,
      capturedAt: bundle.capturedAt.toISOString(),
    })),
    pass: null,
    warnings: [...new Set([...input.warnings, ...evaluation.warnings])],
  };
}

function blocks({ outcome, enforcement, waivedBy }: Finding): boolean {
  return outcome !== "pass" && enforcement === "deny" && waivedBy === null;
}

/** An approval is a lease to start: until the window's last moment that still fits, and no longer than the configured maximum. */
function leaseEnd(input: DecisionInput, calendar: readonly CalendarPolicy[], durationMs: number): Date {
  const longest = new Date(input.at.getTime() + input.leaseMs);
  if (isExemptRollback(input)) return longest;
  const { latestStart } = calendarState(calendar, input.at, durationMs);
  return latestStart === null || latestStart > longest ? longest : latestStart;
}

import type { Approval } from "./approvals.ts";
import { calendarState } from "./calendar/calendar-state.ts";
import type { Decision, Finding } from "./decision.ts";
import { evaluatePolicies, isExemptRollback, type PolicyEvaluation } from "./evaluate-policies.ts";
import type { TrustedBundle } from "./evidence/bundle.ts";
import { plansDigest } from "./evidence/plans-digest.ts";
import type { RequiredNode } from "./evidence/view.ts";
import { applyOverrides, blocks, type OverrideInput, type OverrideResult } from "./override.ts";
import type { ChangeKind, PolicySet } from "./policy/policy.ts";
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
  /** The override tokens of the request; absent: none came. */
  overrides?: OverrideInput | null;
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

/** A decision, and what a pass for it must say beside. */
export interface Judgement {
  decision: Decision;
  changes: ReadonlySet<ChangeKind>;
  /** How long the deploy takes, as its windows were judged. */
  durationMs: number;
  /** Windows and freezes do not hold it up: a rollback to a commit that was approved before. */
  exemptRollback: boolean;
}

/** The decision on a deploy request. The SQL grammar must have been loaded. */
export function decide(input: DecisionInput): Decision {
  return judgeRequest(input).decision;
}

/** Judges a deploy request, in full whatever overrides came with it. The SQL grammar must have been loaded. */
export function judgeRequest(input: DecisionInput): Judgement {
  const { request, policySet, at } = input;
  const evaluation = evaluatePolicies(input);
  const overridden = overriddenFindings(input, evaluation.findings);
  const { findings } = overridden;
  const allowed = !findings.some(blocks);
  const decision: Decision = {
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
    notAfter: allowed ? leaseEnd(input, evaluation, findings).toISOString() : null,
    findings,
    window: windowState(evaluation.calendar, evaluation.timeZone, at, evaluation.durationMs),
    evidence: input.bundles.map(({ bundle, digest, trust }) => ({
      server: bundle.server.name,
      digest,
      trust,
      capturedAt: bundle.capturedAt.toISOString(),
    })),
    plansDigest: plansDigest(input.bundles),
    ...overridden.record,
    pass: null,
    warnings: [...new Set([...input.warnings, ...evaluation.warnings, ...overridden.warnings])],
  };
  const { changes, durationMs } = evaluation;
  return { decision, changes, durationMs, exemptRollback: isExemptRollback(input) };
}

interface Overridden extends Pick<OverrideResult, "findings" | "warnings"> {
  record: Pick<Decision, "withoutOverrides" | "overrides">;
}

function overriddenFindings({ overrides }: DecisionInput, findings: Finding[]): Overridden {
  if (overrides == null || overrides.received === 0) return { findings, record: {}, warnings: [] };
  const result = applyOverrides(findings, overrides);
  const withoutOverrides = findings.some(blocks) ? "rejected" : "approved";
  return { ...result, record: { withoutOverrides, overrides: result.overrides } };
}

/**
 * An approval is a lease to start: until the window's last moment that still fits, and no longer than the configured maximum; the
 * maximum alone where the window was waived.
 */
function leaseEnd(
  input: DecisionInput,
  { calendar, durationMs }: PolicyEvaluation,
  findings: readonly Finding[],
): Date {
  const longest = new Date(input.at.getTime() + input.leaseMs);
  const windowWaived = findings.some(({ ruleId, waivedBy }) => waivedBy !== null && windowRules.has(ruleId));
  if (windowWaived || isExemptRollback(input)) return longest;
  const { latestStart } = calendarState(calendar, input.at, durationMs);
  return latestStart === null || latestStart > longest ? longest : latestStart;
}

const windowRules = new Set(["change-window", "freeze"]);

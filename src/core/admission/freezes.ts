import { effectiveDuration } from "../calendar/calendar-state.ts";
import { enforcedWindow } from "../evaluate-policies.ts";
import { buildEvidenceView } from "../evidence/view.ts";
import type { PassClaims } from "../pass.ts";
import { policyMatches } from "../policy/match.ts";
import type { ChangeKind, Enforcement, Policy, PolicySet } from "../policy/policy.ts";
import type { DeployRequest } from "../request.ts";
import type { RuleContext, RuleFinding } from "../rules/rule.ts";
import { analyzeMigrations } from "../sql/analyze.ts";

export interface FreezeFinding {
  policy: string;
  enforcement: Enforcement;
  finding: RuleFinding;
}

/**
 * The freezes that hold up what a pass approved, or would if they were enforced: those of every policy in force now for what the decision
 * found, except those that an override waived. A pass is a lease on the window, never on a freeze that was declared since.
 */
export function freezesAgainstPass(
  { policies }: PolicySet,
  claims: PassClaims,
  kinds: ReadonlySet<ChangeKind>,
  request: DeployRequest,
  at: Date,
): FreezeFinding[] {
  if (claims.rollback) return [];
  const matching = policies.filter((policy) => policy.changeWindow !== null && policyMatches(policy, request, kinds));
  const durationMs = effectiveDuration(matching.flatMap(ownWindow), claims.durationMs);
  const shared = { ...contextOf(request, at), durationMs, calendar: matching.flatMap(enforcedWindow) };
  return matching.flatMap((policy) => {
    const context = { ...shared, changeWindow: ownWindow(policy)[0] ?? null };
    return freezeRules(policy).flatMap(({ rule, enforcement }) =>
      rule
        .evaluate(context)
        .filter((finding) => finding.outcome !== "pass" && !isWaived(finding, policy.id, claims))
        .map((finding) => ({ policy: policy.id, enforcement, finding })),
    );
  });
}

function ownWindow({ id, changeWindow }: Policy) {
  return changeWindow === null ? [] : [{ policy: id, changeWindow }];
}

function freezeRules({ rules }: Policy) {
  return rules.filter(({ rule }) => rule.id === "freeze");
}

/** The very freeze: one that has been made longer since is another. */
function isWaived({ details: { start, end } }: RuleFinding, policy: string, { waivedFreezes }: PassClaims): boolean {
  return waivedFreezes.some((waived) => waived.policy === policy && waived.start === start && waived.end === end);
}

function contextOf(request: DeployRequest, at: Date): RuleContext {
  const evidence = buildEvidenceView([], "asserted", at, null);
  return {
    request,
    migrationsDigest: "",
    analysis: analyzeMigrations({ migrations: [], format: "plain", action: request.action, catalog: evidence.catalog }),
    evidence,
    approvals: [],
    changeWindow: null,
    calendar: [],
    durationMs: 0,
    rollbackToApproved: false,
    at,
  };
}

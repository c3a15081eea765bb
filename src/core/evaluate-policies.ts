import { effectiveDuration } from "./calendar/calendar-state.ts";
import type { CalendarPolicy } from "./calendar/types.ts";
import type { DecisionInput } from "./decide.ts";
import type { Finding } from "./decision.ts";
import type { Trust } from "./evidence/bundle.ts";
import { buildEvidenceView } from "./evidence/view.ts";
import { oncePerObject } from "./once-per-object.ts";
import { changeKindsOf, policyMatches, unmatchedKind } from "./policy/match.ts";
import type { ChangeKind, Policy } from "./policy/policy.ts";
import { migrationsDigest } from "./request.ts";
import type { RuleContext } from "./rules/rule.ts";
import { analyzeMigrations } from "./sql/analyze.ts";

export interface PolicyEvaluation {
  matched: readonly Policy[];
  /** What the request changes, by the evidence of any policy that applies. */
  changes: ReadonlySet<ChangeKind>;
  findings: Finding[];
  /** The change windows that hold the request up: those of matching policies that enforce them with `deny`. */
  calendar: readonly CalendarPolicy[];
  durationMs: number;
  /** Zone of the first matching change window. */
  timeZone: string | null;
  warnings: string[];
}

/** A policy that applies, with what its rules look at. */
interface Match {
  policy: Policy;
  context: RuleContext;
  kinds: ReadonlySet<ChangeKind>;
}

export function evaluatePolicies(input: DecisionInput): PolicyEvaluation {
  const contextOf = contextByTrust(input);
  const matches = input.policySet.policies.flatMap((policy) => matchPolicy(policy, contextOf(policy.minTrust), input));
  const policies = matches.map(({ policy }) => policy);
  const calendar = policies.flatMap(enforcedWindow);
  const durationMs = effectiveDuration(
    policies.flatMap((policy) => ownWindow(policy) ?? []),
    input.request.expectedDuration ?? null,
  );
  const findings = matches.flatMap(({ policy, context }) =>
    judge(policy, { ...context, calendar, durationMs, changeWindow: ownWindow(policy) }),
  );
  return {
    matched: policies,
    changes: new Set(
      matches.length > 0
        ? matches.flatMap(({ kinds }) => [...kinds])
        : changeKindsOf(contextOf("asserted").analysis, true, false),
    ),
    findings:
      matches.length > 0
        ? [...findings, ...partlyUnmatched(policies, input, contextOf("asserted"))]
        : unmatched(input, contextOf("asserted")),
    calendar,
    durationMs,
    timeZone: policies.find(({ changeWindow }) => changeWindow !== null)?.changeWindow?.timeZone ?? null,
    warnings: matches.flatMap(({ context }) => context.evidence.problems),
  };
}

/** The evidence that a policy accepts depends on its `minTrust`, and the migrations are read with that evidence's catalogue. */
function contextByTrust(input: DecisionInput): (trust: Trust) => RuleContext {
  const known = new Map<Trust, RuleContext>();
  return (trust) => {
    const context = known.get(trust) ?? baseContext(input, trust);
    known.set(trust, context);
    return context;
  };
}

function baseContext(input: DecisionInput, trust: Trust): RuleContext {
  const { request, bundles, approvals, at } = input;
  const evidence = buildEvidenceView(bundles, trust, at, input.requiredNodes ?? null);
  const analysis = analyzeMigrations({
    migrations: request.migrations ?? [],
    format: request.migrationFormat ?? "plain",
    action: request.action,
    catalog: evidence.catalog,
  });
  return {
    request,
    migrationsDigest: migrationsDigest(request),
    analysis,
    evidence,
    approvals,
    changeWindow: null,
    calendar: [],
    durationMs: 0,
    rollbackToApproved: isExemptRollback(input),
    at,
  };
}

function matchPolicy(policy: Policy, context: RuleContext, { request }: DecisionInput): Match[] {
  const opaque = policy.rules
    .filter(({ rule }) => rule.id === "opaque-sql")
    .some(({ rule }) => rule.evaluate(context).some(({ outcome }) => outcome !== "pass"));
  const kinds = changeKindsOf(context.analysis, (request.migrations ?? []).length > 0, opaque);
  return policyMatches(policy, request, kinds) ? [{ policy, context, kinds }] : [];
}

function judge(policy: Policy, context: RuleContext): Finding[] {
  return policy.rules.flatMap(({ rule, enforcement, location }) =>
    rule.evaluate(context).map((finding) => ({
      policy: policy.id,
      ruleId: rule.id,
      enforcement,
      waivedBy: null,
      ...finding,
      location: finding.location ?? location,
    })),
  );
}

function ownWindow({ id, changeWindow }: Policy): CalendarPolicy | null {
  return changeWindow && { policy: id, changeWindow };
}

/** What of a policy's change window is enforced with `deny`. The same policy's is the same object. */
export const enforcedWindow = oncePerObject((policy: Policy): readonly CalendarPolicy[] => {
  const { id, changeWindow, rules } = policy;
  if (changeWindow === null) return [];
  const denies = (ruleId: string) =>
    rules.some(({ rule, enforcement }) => rule.id === ruleId && enforcement === "deny");
  const allow = denies("change-window") ? changeWindow.allow : null;
  const freeze = denies("freeze") ? changeWindow.freeze : [];
  return allow === null && freeze.length === 0
    ? []
    : [{ policy: id, changeWindow: { ...changeWindow, allow, freeze } }];
});

/** Nothing is approved by default; `unmatched: approve` lets through what changes no schema and can be read. */
function unmatched({ request, unmatched: mode }: DecisionInput, { analysis }: RuleContext): Finding[] {
  const subject = `${request.service}/${request.environment}`;
  const harmless = analysis.changes.every(({ kind }) => kind === "data");
  const approves = mode === "approve" && harmless;
  return [
    {
      policy: null,
      ruleId: "unmatched",
      outcome: approves ? "pass" : "fail",
      enforcement: "deny",
      subject,
      message: approves
        ? `No policy applies to ${subject}, and the configuration lets such requests through.`
        : `No policy applies to ${subject}${harmless ? "" : ", and it changes the schema or has SQL that cannot be read"}; what no policy allows is rejected.`,
      help: approves ? null : "Add a policy whose appliesTo matches this service, environment and kind of change.",
      location: analysis.statements[0]?.location ?? null,
      waivedBy: null,
      details: {},
    },
  ];
}

/** A policy for data says nothing about the schema change in the same request. */
function partlyUnmatched(
  policies: readonly Policy[],
  { request }: DecisionInput,
  { analysis }: RuleContext,
): Finding[] {
  const kind = unmatchedKind(policies, changeKindsOf(analysis, true, false));
  if (kind === null) return [];
  const change = analysis.changes.find((one) => changeKindsOf({ ...analysis, changes: [one] }, true, false).has(kind));
  const what = kind === "schema" ? "the schema changes" : "the dropped indexes";
  return [
    {
      policy: null,
      ruleId: "unmatched",
      outcome: "fail",
      enforcement: "deny",
      subject: `${request.service}/${request.environment}`,
      message: `No policy applies to ${what} of ${request.service}/${request.environment}, only to what else is in the request; what no policy allows is rejected.`,
      help: `Add a policy whose appliesTo has this kind of change (${kind}), or take the change out of the request.`,
      location: change?.statement.location ?? null,
      waivedBy: null,
      details: { kind },
    },
  ];
}

/** A rollback without migrations to a commit that was approved before is not held up by windows and freezes. */
export function isExemptRollback({ request, rollbackToApproved }: DecisionInput): boolean {
  return request.action === "rollback" && rollbackToApproved && (request.migrations ?? []).length === 0;
}

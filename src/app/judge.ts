import { randomUUID } from "node:crypto";
import { type Judgement, judgeRequest } from "../core/decide.ts";
import type { Decision } from "../core/decision.ts";
import { PlangateError } from "../core/errors.ts";
import type { TrustedBundle } from "../core/evidence/bundle.ts";
import { plansDigest } from "../core/evidence/plans-digest.ts";
import type { RequiredNode } from "../core/evidence/view.ts";
import { passClaimsOf, passWarnings } from "../core/pass.ts";
import type { PolicySet } from "../core/policy/policy.ts";
import { type DeployRequest, type ParsedRequest, requestDigest } from "../core/request.ts";
import { loadGrammar } from "../core/sql/grammar.ts";
import { countableStatements, overrideIds, type Statements } from "./approvals.ts";
import type { Caller } from "./caller.ts";
import type { GatePorts, GateSettings } from "./gate.ts";
import { completeEvidence, gatherEvidence } from "./gather-evidence.ts";
import type { DecisionStore, IdempotencyClaim, PassIssuer, TokenContext } from "./ports.ts";
import { judgeEvidence, stillTrusted, withoutRepeats } from "./received-evidence.ts";
import { isTooStale, rejectedAsStale, staleWarning } from "./stale-policies.ts";

/**
 * Judges a request of the right form, and records the decision.
 * @throws PlangateError `idempotency-claim-lost`, `store-unavailable`: nothing is decided.
 */
export async function judge(
  ports: GatePorts,
  settings: GateSettings,
  parsed: ParsedRequest,
  caller: Caller,
  claimed: IdempotencyClaim | undefined,
): Promise<Decision> {
  await loadGrammar();
  const { request } = parsed;
  const basis = await gatherBasis(ports, settings, parsed);
  const context: TokenContext = {
    requestDigest: requestDigest(request),
    environment: request.environment,
    requestedBy: request.requestedBy ?? null,
    plansDigest: plansDigest(basis.bundles),
    at: basis.at,
  };
  const decideWithout = (used: ReadonlyMap<string, string>) =>
    decideOn(
      basis,
      ports.passes,
      settings,
      request,
      countableStatements(request, caller, ports.humanTokens, context, used),
    );
  const { evidence: _evidence, approvals: _approvals, overrides: _overrides, ...kept } = request;
  const jtis = overrideIds(request, ports.humanTokens, context);
  return recordOnce(ports.decisions, jtis, decideWithout, (decision) =>
    ports.decisions.record({ decision, request: kept, caller: caller.name }, claimed),
  );
}

/** What a request is judged by, whatever overrides come with it. */
interface Basis {
  policies: { set: PolicySet; staleSince: Date | null };
  bundles: TrustedBundle[];
  requiredNodes: RequiredNode[] | null;
  rollbackToApproved: boolean;
  warnings: string[];
  at: Date;
}

async function gatherBasis(
  ports: GatePorts,
  settings: GateSettings,
  { request, bundles, rawBundles }: ParsedRequest,
): Promise<Basis> {
  const database = request.database ?? settings.services.get(request.service)?.database ?? null;
  const needsEvidence = (request.migrations ?? []).length > 0;
  const gathered = await gatherEvidence(ports, ports.policies.current().set, database, needsEvidence);
  const rollbackToApproved = await isRollbackToApproved(ports.decisions, request);
  const at = ports.clock.now();
  const held = stillTrusted(gathered.stored, ports.evidenceTrust, at);
  const received = bundles.map((parsed, index) => ({ parsed, raw: rawBundles[index] }));
  const { accepted, refused } = judgeEvidence(received, ports.evidenceTrust, at);
  const evidence = completeEvidence(
    withoutRepeats([...held.bundles, ...accepted.map(({ parsed }) => parsed)]),
    gathered,
  );
  return {
    policies: ports.policies.current(),
    bundles: evidence.bundles,
    requiredNodes: gathered.requiredNodes,
    rollbackToApproved,
    warnings: [...gathered.warnings, ...refused.map(({ message }) => message), ...held.warnings, ...evidence.warnings],
    at,
  };
}

function decideOn(
  { policies: { set, staleSince }, bundles, requiredNodes, rollbackToApproved, warnings, at }: Basis,
  passes: PassIssuer,
  { unmatched, leaseMs, timeZoneDatabase, staleAfterMs }: GateSettings,
  request: DeployRequest,
  { approvals, overrides, warnings: ofStatements }: Statements,
): Decision {
  const judgement = judgeRequest({
    id: `dec_${randomUUID().replaceAll("-", "")}`,
    policySet: set,
    request,
    bundles,
    requiredNodes,
    approvals,
    overrides,
    rollbackToApproved,
    unmatched,
    leaseMs,
    timeZoneDatabase,
    warnings: [...ofStatements, ...warnings, ...staleWarning(staleSince)],
    at,
  });
  return isTooStale(staleSince, at, staleAfterMs)
    ? rejectedAsStale(judgement.decision, staleSince, staleAfterMs)
    : withPass(judgement, request, passes);
}

/** An approval carries the pass that the Kubernetes admission check takes. */
function withPass(judgement: Judgement, request: DeployRequest, passes: PassIssuer): Decision {
  const { decision } = judgement;
  const claims = passClaimsOf(passes.issuer, request, judgement);
  if (claims === null) return decision;
  return { ...decision, pass: passes.issue(claims), warnings: [...decision.warnings, ...passWarnings(request)] };
}

/**
 * Decides and records. An override that another gate uses up in between makes the store refuse the record; then it is decided again
 * without that override.
 */
async function recordOnce(
  decisions: DecisionStore,
  jtis: readonly string[],
  decideWithout: (used: ReadonlyMap<string, string>) => Decision,
  record: (decision: Decision) => Promise<void>,
): Promise<Decision> {
  let used = await usedAmong(decisions, jtis);
  for (;;) {
    const decision = decideWithout(used);
    try {
      await record(decision);
      return decision;
    } catch (error) {
      if (!(error instanceof PlangateError && error.code === "override-used")) throw error;
      const known = used.size;
      used = await usedAmong(decisions, jtis);
      if (used.size <= known) throw error;
    }
  }
}

async function usedAmong(decisions: DecisionStore, jtis: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return jtis.length === 0 ? new Map() : decisions.usedOverrides(jtis);
}

async function isRollbackToApproved(decisions: DecisionStore, request: DeployRequest): Promise<boolean> {
  if (request.action !== "rollback" || request.commit == null) return false;
  const { service, environment, commit } = request;
  return decisions.wasApproved({ service, environment, commit });
}

import { randomUUID } from "node:crypto";
import { type Judgement, judgeRequest } from "../core/decide.ts";
import type { Decision, Finding } from "../core/decision.ts";
import { PlangateError } from "../core/errors.ts";
import { plansDigest } from "../core/evidence/plans-digest.ts";
import { passClaimsOf, passWarnings } from "../core/pass.ts";
import {
  type DeployRequest,
  type MigrationFormat,
  type ParsedRequest,
  parseDeployRequest,
  requestDigest,
} from "../core/request.ts";
import { loadGrammar } from "../core/sql/grammar.ts";
import { formatDuration } from "../core/values.ts";
import { countableStatements, overrideIds } from "./approvals.ts";
import { attributed, type Caller } from "./caller.ts";
import { completeEvidence, gatherEvidence } from "./gather-evidence.ts";
import type {
  Clock,
  DatabaseReader,
  DecisionStore,
  EvidenceStore,
  EvidenceTrust,
  HumanTokens,
  IdempotencyClaim,
  IdempotencyKey,
  IdempotencyStore,
  PassIssuer,
  PolicySource,
  TokenContext,
} from "./ports.ts";
import { judgeEvidence, stillTrusted, withoutRepeats } from "./received-evidence.ts";

export interface GatePorts {
  clock: Clock;
  policies: PolicySource;
  decisions: DecisionStore;
  evidence: EvidenceStore;
  evidenceTrust: EvidenceTrust;
  humanTokens: HumanTokens;
  passes: PassIssuer;
  databases: DatabaseReader;
  idempotency: IdempotencyStore;
}

export interface GateSettings {
  /** How long a broken policy set may go on being replaced by the last good one. */
  staleAfterMs: number;
  unmatched: "reject" | "approve";
  leaseMs: number;
  timeZoneDatabase: string;
  services: ReadonlyMap<string, { migrationFormat: MigrationFormat | null; database: string | null }>;
}

export interface Submission {
  /** The JSON value that was received. */
  raw: unknown;
  caller: Caller;
  /** The caller's name for this request and a digest of the body; null: none was given. */
  idempotency: { key: string; bodyDigest: string } | null;
}

export interface Submitted {
  decision: Decision;
  /** It was made before, for the same Idempotency-Key. */
  repeated: boolean;
}

/**
 * Judges a deploy request and records the decision; when it returns, decision and audit entry are durable.
 * @throws InputError (`bad-request`): the request is not of the documented form. NotPermitted: the caller may not ask for this.
 * @throws PlangateError `request-conflict`: it contradicts the gate's configuration. `idempotency-key-reused`, `idempotency-in-flight`,
 *   `idempotency-claim-lost`, `approval-expired`: what became of the key. `store-unavailable`: nothing is decided.
 */
export async function submit(ports: GatePorts, settings: GateSettings, submission: Submission): Promise<Submitted> {
  const { caller, idempotency } = submission;
  const parsed = parseDeployRequest(submission.raw);
  const permitted = attributed(parsed.request, caller);
  const completed = { ...parsed, request: withServiceDefaults(permitted, settings) };
  if (idempotency === null) {
    return { decision: await judge(ports, settings, completed, caller, undefined), repeated: false };
  }
  const claimed = await claim(ports, { caller: caller.name, ...idempotency });
  if ("decision" in claimed) return { decision: claimed.decision, repeated: true };
  try {
    return { decision: await judge(ports, settings, completed, caller, claimed), repeated: false };
  } catch (error) {
    // Where this fails too, the claim runs out by itself.
    await ports.idempotency.release(claimed).catch(() => undefined);
    throw error;
  }
}

async function judge(
  ports: GatePorts,
  settings: GateSettings,
  { request, bundles, rawBundles }: ParsedRequest,
  caller: Caller,
  claimed: IdempotencyClaim | undefined,
): Promise<Decision> {
  await loadGrammar();
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
  const context: TokenContext = {
    requestDigest: requestDigest(request),
    environment: request.environment,
    requestedBy: request.requestedBy ?? null,
    plansDigest: plansDigest(evidence.bundles),
    at,
  };
  const { set, staleSince } = ports.policies.current();
  const decideWithout = (used: ReadonlyMap<string, string>) => {
    const statements = countableStatements(request, caller, ports.humanTokens, context, used);
    const judgement = judgeRequest({
      id: `dec_${randomUUID().replaceAll("-", "")}`,
      policySet: set,
      request,
      bundles: evidence.bundles,
      requiredNodes: gathered.requiredNodes,
      approvals: statements.approvals,
      overrides: statements.overrides,
      rollbackToApproved,
      unmatched: settings.unmatched,
      leaseMs: settings.leaseMs,
      timeZoneDatabase: settings.timeZoneDatabase,
      warnings: [
        ...statements.warnings,
        ...gathered.warnings,
        ...refused.map(({ message }) => message),
        ...held.warnings,
        ...evidence.warnings,
        ...staleWarning(staleSince),
      ],
      at,
    });
    return isTooStale(staleSince, at, settings)
      ? rejectedAsStale(judgement.decision, staleSince, settings)
      : withPass(judgement, request, ports.passes);
  };
  const { evidence: _evidence, approvals: _approvals, overrides: _overrides, ...kept } = request;
  const jtis = overrideIds(request, ports.humanTokens, context);
  return recordOnce(ports.decisions, jtis, decideWithout, (decision) =>
    ports.decisions.record({ decision, request: kept, caller: caller.name }, claimed),
  );
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

/** The claim, or the decision that the key already has. */
async function claim(ports: GatePorts, key: IdempotencyKey): Promise<IdempotencyClaim | { decision: Decision }> {
  const answer = await ports.idempotency.claim(key);
  if (answer.kind === "claimed") return answer.claim;
  if (answer.kind === "in-flight") {
    throw new PlangateError("idempotency-in-flight", "A request with this Idempotency-Key is being decided right now.");
  }
  if (answer.kind === "other-body") {
    throw new PlangateError(
      "idempotency-key-reused",
      "This Idempotency-Key was used with another body. Use a new key for a new request.",
    );
  }
  const record = await ports.decisions.find(answer.decisionId);
  if (record === null) throw new TypeError(`the decision ${answer.decisionId} of an idempotency key is missing`);
  const { decision } = record;
  if (decision.notAfter !== null && new Date(decision.notAfter) < ports.clock.now()) {
    throw new PlangateError(
      "approval-expired",
      `The approval ${decision.id} of this Idempotency-Key ended at ${decision.notAfter}. Send the request again with a new key.`,
    );
  }
  return { decision };
}

/** What plangate.yaml says about the service holds; a request that says otherwise is refused. */
export function withServiceDefaults(
  request: DeployRequest,
  { services }: Pick<GateSettings, "services">,
): DeployRequest {
  const configured = services.get(request.service);
  if (configured === undefined) return request;
  const { migrationFormat, database } = configured;
  agree("migrationFormat", request.migrationFormat, migrationFormat);
  agree("database", request.database, database);
  // `database` is part of the request's digest and stays as it was sent.
  return { ...request, migrationFormat: request.migrationFormat ?? migrationFormat };
}

function agree(key: string, requested: string | null | undefined, configured: string | null): void {
  if (requested == null || configured === null || requested === configured) return;
  throw new PlangateError(
    "request-conflict",
    `The request's ${key} is ${JSON.stringify(requested)}, but the gate's configuration says ${JSON.stringify(configured)} for this service.`,
  );
}

async function isRollbackToApproved(decisions: DecisionStore, request: DeployRequest): Promise<boolean> {
  if (request.action !== "rollback" || request.commit == null) return false;
  const { service, environment, commit } = request;
  return decisions.wasApproved({ service, environment, commit });
}

function staleWarning(staleSince: Date | null): string[] {
  if (staleSince === null) return [];
  return [
    `The policy files have been broken since ${staleSince.toISOString()}; this decision follows the last good ones.`,
  ];
}

function isTooStale(staleSince: Date | null, at: Date, { staleAfterMs }: GateSettings): staleSince is Date {
  return staleSince !== null && at.getTime() - staleSince.getTime() >= staleAfterMs;
}

function rejectedAsStale(decision: Decision, staleSince: Date, { staleAfterMs }: GateSettings): Decision {
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

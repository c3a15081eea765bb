import { decide } from "../core/decide.ts";
import type { Decision } from "../core/decision.ts";
import { digestOf } from "../core/digest.ts";
import { plansDigest } from "../core/evidence/plans-digest.ts";
import type { PolicySet } from "../core/policy/policy.ts";
import { parseDeployRequest, requestDigest } from "../core/request.ts";
import { loadGrammar } from "../core/sql/grammar.ts";
import { countableStatements } from "./approvals.ts";
import type { GateSettings } from "./gate.ts";
import type { EvidenceTrust, HumanTokens, ReceivedBundle } from "./ports.ts";
import { judgeEvidence, withoutRepeats } from "./received-evidence.ts";
import { withServiceDefaults } from "./submit.ts";

export interface CheckInput {
  /** The deploy request as JSON, or what was read in its place. */
  raw: unknown;
  /** Evidence beside that in the request. */
  bundles: readonly ReceivedBundle[];
  evidenceTrust: EvidenceTrust;
  humanTokens: HumanTokens;
  policySet: PolicySet;
  settings: Pick<GateSettings, "unmatched" | "leaseMs" | "timeZoneDatabase" | "services">;
  at: Date;
}

/**
 * The decision that a gate with these policies would make, without its store: nothing is recorded, and no earlier decision is known.
 * @throws InputError (`bad-request`), PlangateError (`request-conflict`) as `submit` does
 */
export async function check(input: CheckInput): Promise<Decision> {
  const { raw, bundles, evidenceTrust, humanTokens, policySet, settings, at } = input;
  await loadGrammar();
  const parsed = parseDeployRequest(raw);
  const request = withServiceDefaults(parsed.request, settings);
  const inRequest = parsed.bundles.map((bundle, index) => ({ parsed: bundle, raw: parsed.rawBundles[index] }));
  const { accepted, refused } = judgeEvidence([...inRequest, ...bundles], evidenceTrust, at);
  const used = withoutRepeats(accepted.map((bundle) => bundle.parsed));
  const context = {
    requestDigest: requestDigest(request),
    environment: request.environment,
    requestedBy: request.requestedBy ?? null,
    plansDigest: plansDigest(used),
    at,
  };
  const caller = { name: "plangate check", mayVouch: true };
  const { approvals, overrides, warnings } = countableStatements(request, caller, humanTokens, context, new Map());
  const notes = [...warnings, ...refused.map(({ message }) => message)];
  if (overrides.verified.length > 0) notes.push("Whether an override was used before is known to the gate alone.");
  const rollbackNote = "No earlier decision is known here: change windows and freezes hold for a rollback too.";
  return decide({
    id: offlineId([requestDigest(request), policySet.digest, at.toISOString(), used.map(({ digest }) => digest)]),
    policySet,
    request,
    bundles: used,
    approvals,
    overrides,
    rollbackToApproved: false,
    unmatched: settings.unmatched,
    leaseMs: settings.leaseMs,
    timeZoneDatabase: settings.timeZoneDatabase,
    warnings: request.action === "rollback" ? [...notes, rollbackNote] : notes,
    at,
  });
}

/** The same question gives the same id. It is in no audit log. */
function offlineId(question: unknown): string {
  return `dec_offline_${digestOf(question).slice("sha256:".length, "sha256:".length + 24)}`;
}

/** A value of a request's JSON, with fields that replace or (`approvals`, `overrides`) add to those it has. */
export function withFields(raw: unknown, fields: Readonly<Record<string, unknown>>): unknown {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return raw;
  const given = new Map<string, unknown>(Object.entries(raw));
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const before = given.get(key);
    const adds = (key === "approvals" || key === "overrides") && Array.isArray(before) && Array.isArray(value);
    given.set(key, adds ? [...before, ...value] : value);
  }
  return Object.fromEntries(given);
}

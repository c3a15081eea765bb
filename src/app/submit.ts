import type { Decision } from "../core/decision.ts";
import { PlangateError } from "../core/errors.ts";
import { type DeployRequest, parseDeployRequest } from "../core/request.ts";
import { attributed, type Caller } from "./caller.ts";
import type { GatePorts, GateSettings } from "./gate.ts";
import { judge } from "./judge.ts";
import type { IdempotencyClaim, IdempotencyKey } from "./ports.ts";

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

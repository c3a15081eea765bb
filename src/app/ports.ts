import type { Decision } from "../core/decision.ts";
import type { TrustedBundle } from "../core/evidence/bundle.ts";
import type { PolicySet } from "../core/policy/policy.ts";
import type { DeployRequest } from "../core/request.ts";

export interface Clock {
  now(): Date;
}

/** The policies in force. `staleSince`: the files on disk have been broken since then and the last good set is kept. */
export interface PolicySource {
  current(): { set: PolicySet; staleSince: Date | null };
}

export interface DecisionQuery {
  service: string | null;
  environment: string | null;
  decision: Decision["decision"] | null;
  /** Only decisions made before this one (its id), newest first. */
  before: string | null;
  limit: number;
}

/** A decision with what it answered, as it is stored. */
export interface DecisionRecord {
  decision: Decision;
  /** As received, without evidence bundles (the decision lists their digests) and tokens. */
  request: Omit<DeployRequest, "evidence" | "approvals" | "overrides">;
  caller: string;
}

export interface DecisionStore {
  /**
   * Writes the decision and its audit entry in one transaction, and ties them to the claimed key. When it returns, all of it is
   * durable. Throws PlangateError `idempotency-claim-lost` where the claim has run out and another gate has taken it.
   */
  record(record: DecisionRecord, claim?: IdempotencyClaim): Promise<void>;
  find(id: string): Promise<DecisionRecord | null>;
  list(query: DecisionQuery): Promise<DecisionRecord[]>;
  /** Was this commit of the service approved for the environment by an earlier `deploy` decision? */
  wasApproved(deploy: { service: string; environment: string; commit: string }): Promise<boolean>;
}

export interface EvidenceStore {
  /** The newest bundles of each server of the database, newest first. */
  bundlesOf(database: string): Promise<TrustedBundle[]>;
  /** `raw`: the bundle's JSON as received, its digest's preimage. Storing a digest again changes nothing. */
  add(database: string, bundles: readonly ReceivedBundle[], caller: string): Promise<void>;
}

export interface ReceivedBundle {
  raw: unknown;
  parsed: TrustedBundle;
}

/** A caller's name for one request, so that sending it again does not decide it again. */
export interface IdempotencyKey {
  caller: string;
  key: string;
  bodyDigest: string;
}

/** The right to decide the request with this key. Runs out by itself if the gate dies. */
export interface IdempotencyClaim {
  caller: string;
  key: string;
  claim: string;
}

export type IdempotencyAnswer =
  | { kind: "claimed"; claim: IdempotencyClaim }
  | { kind: "decided"; decisionId: string }
  | { kind: "in-flight" }
  | { kind: "other-body" };

/** Keys are remembered for 24 hours; right also when several gates are asked at once. */
export interface IdempotencyStore {
  claim(key: IdempotencyKey): Promise<IdempotencyAnswer>;
  /** Gives a claim back that brought no decision about. */
  release(claim: IdempotencyClaim): Promise<void>;
}

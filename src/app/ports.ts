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
  /** Writes the decision and its audit entry in one transaction. When it returns, both are durable. */
  record(record: DecisionRecord): Promise<void>;
  find(id: string): Promise<DecisionRecord | null>;
  list(query: DecisionQuery): Promise<DecisionRecord[]>;
  /** Was this commit of the service approved for the environment by an earlier `deploy` decision? */
  wasApproved(deploy: { service: string; environment: string; commit: string }): Promise<boolean>;
}

export interface EvidenceStore {
  /** The newest bundles of each server of the database, newest first. */
  bundlesOf(database: string): Promise<TrustedBundle[]>;
  /** `raw`: the bundle's JSON as received, its digest's preimage. Storing a digest again changes nothing. */
  add(database: string, bundles: readonly { raw: unknown; parsed: TrustedBundle }[], caller: string): Promise<void>;
}

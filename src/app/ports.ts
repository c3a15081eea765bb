import type { Approval } from "../core/approvals.ts";
import type { Decision } from "../core/decision.ts";
import type { EvidenceBundle, TrustedBundle } from "../core/evidence/bundle.ts";
import type { IndexAge } from "../core/evidence/index-ages.ts";
import type { VerifiedOverride } from "../core/override.ts";
import type { PassClaims } from "../core/pass.ts";
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
   * Writes the decision and its audit entry in one transaction, ties them to the claimed key, and uses up the overrides that the
   * decision has `consumed`. When it returns, all of it is durable. Throws PlangateError, and then nothing is written:
   * `idempotency-claim-lost` where the claim has run out and another gate has taken it; `override-used` where another decision has
   * used up one of the overrides.
   */
  record(record: DecisionRecord, claim?: IdempotencyClaim): Promise<void>;
  /** Overrides that are used up, by jti, and the decisions that did it. */
  usedOverrides(jtis: readonly string[]): Promise<ReadonlyMap<string, string>>;
  find(id: string): Promise<DecisionRecord | null>;
  list(query: DecisionQuery): Promise<DecisionRecord[]>;
  /** Was this commit of the service approved for the environment by an earlier `deploy` decision? */
  wasApproved(deploy: { service: string; environment: string; commit: string }): Promise<boolean>;
}

export interface EvidenceStore {
  /**
   * The newest bundles of each server of the database, newest first. For each of `lookBacks` (ms) also the index counters of that
   * long before each server's newest, or of the next longer time that is known, without the rest of their bundle.
   */
  bundlesOf(database: string, lookBacks?: readonly number[]): Promise<TrustedBundle[]>;
  /** `raw`: the bundle's JSON as received, its digest's preimage. Storing a digest again can raise its trust, and changes nothing else. */
  add(database: string, bundles: readonly ReceivedBundle[], caller: string): Promise<void>;
  /** When a gate last read the node itself; null: never. */
  lastPull(database: string, node: string): Promise<Date | null>;
  /** When the indexes were first seen, from bundles that were signed or pulled. */
  indexAges(database: string): Promise<IndexAge[]>;
}

/** The databases whose servers the gate reads itself (`databases` in plangate.yaml). */
export interface DatabaseReader {
  readonly names: readonly string[];
  /** null: the gate does not read this database. */
  find(database: string): { systemIdentifier: string | null; nodes: readonly string[] } | null;
  /**
   * Reads the nodes that were not read for `freshForMs` (at most the configured time) and stores what they say; all at once, in bounded
   * time. Requests that come at the same time share the reading. A node that cannot be read is told, not thrown.
   */
  refresh(database: string, freshForMs: number): Promise<NodeReading[]>;
}

export interface NodeReading {
  node: string;
  /** Why what is stored of the node is not fresh: names the node, never a password; null: it is fresh. */
  problem: string | null;
  /** What was known of the node before then is not fresh. */
  freshFrom: Date;
}

export interface ReceivedBundle {
  raw: unknown;
  parsed: TrustedBundle;
}

/** What the signature of a received bundle proves. */
export interface SignatureVerdict {
  trust: "asserted" | "signed";
  /** The key, where the trust is `signed`. */
  signer: { kid: string; fingerprint: string } | null;
  /** Why the bundle must not count at all, as a clause about it; null: it counts. */
  problem: string | null;
}

/** The keys of known collectors. */
export interface EvidenceTrust {
  /** `raw`: the bundle's JSON as received. */
  judge(raw: unknown, bundle: EvidenceBundle, at: Date): SignatureVerdict;
  /** Does the key that a stored bundle was verified with still count for this server? */
  stillTrusted(fingerprint: string, server: string, at: Date): boolean;
}

/** The request and moment for which a token is to count. */
export interface TokenContext {
  requestDigest: string;
  environment: string;
  /** null: the request does not say. */
  requestedBy: string | null;
  plansDigest: string;
  at: Date;
}

/** Signed statements of humans. `problem` says why one does not count, as a clause; null: it does. */
export interface HumanTokens {
  verifyOverride(
    token: string,
    context: TokenContext,
  ): { override: VerifiedOverride; problem: null } | { override: null; problem: string };
  verifyApproval(
    token: string,
    context: TokenContext,
  ): { approval: Approval; problem: null } | { approval: null; problem: string };
  /** How many different people must sign an override for a rule; absent: one. */
  quorum: ReadonlyMap<string, number>;
  /** The configured name of the human whom requests may name in several ways; unknown ones as they are. */
  personOf(name: string): string;
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

/** Passes by the gate's keys, checked without the database. */
export interface PassVerifier {
  /** Signature, form and times. Whether it is for the workload at hand is the caller's question. `problem`: why it does not count, as a clause about "it". */
  verify(token: string, at: Date): { claims: PassClaims; problem: null } | { claims: null; problem: string };
}

/** Signs passes with the gate's first key. */
export interface PassIssuer {
  /** What the passes' `iss` says: the gate's name. */
  readonly issuer: string;
  /** Throws PlangateError `bad-token` where the gate itself would not take such a pass. */
  issue(claims: PassClaims): string;
}

/** What the gate answered to an admission review that it judged. */
export interface AdmissionRecord {
  /** "adm_…" */
  id: string;
  /** Of the review. */
  uid: string;
  /** ISO instant. */
  at: string;
  environment: string;
  namespace: string;
  kind: string;
  name: string;
  operation: "CREATE" | "UPDATE";
  user: string;
  service: string | null;
  commit: string | null;
  /** At most 200, each cut to 500 characters. */
  images: readonly string[];
  allowed: boolean;
  enforcement: "deny" | "warn" | "dryrun";
  basis: "pass" | "policies" | "rollback" | "exempt" | "unreadable";
  /** What stands in the way (also where enforcement let it through); empty: nothing. */
  problems: readonly string[];
  /** Of the pass. */
  decisionId: string | null;
  policyDigest: string;
  /** "sha256:…" of the pod template. */
  templateDigest: string | null;
}

export interface AdmissionRecorder {
  /** Durable on local disk when it returns; it enters the audit chain later. Throws PlangateError `spool-failed`, and then nothing is recorded. */
  record(record: AdmissionRecord): Promise<void>;
}

/** A pod template of one workload. */
export interface AdmittedTemplate {
  environment: string;
  namespace: string;
  kind: string;
  name: string;
  templateDigest: string;
}

export interface AdmittedTemplates {
  /** Did a gate let this template through before, by a pass, by the policies or as a rollback? */
  wasAdmitted(template: AdmittedTemplate): Promise<boolean>;
}

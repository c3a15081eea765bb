import canonicalize from "canonicalize";
import type { PoolClient } from "pg";
import type { DecisionRecord } from "../../app/ports.ts";
import { digestOf, sha256Hex } from "../../core/digest.ts";
import { StoreError } from "./connection.ts";
import { advisoryLockSpace } from "./migrate.ts";

const chainLock = 2;
const beforeTheFirst = "0".repeat(64);

/**
 * Appends one entry to the hash chain, as part of the transaction of `client`, and returns its number. Appends wait for each
 * other until their transactions end, so each sees the entry before it.
 */
export async function appendAuditEntry(client: PoolClient, kind: string, content: object): Promise<number> {
  await client.query("SELECT pg_advisory_xact_lock($1, $2)", [advisoryLockSpace, chainLock]);
  // A statement of its own: its snapshot must be taken after the lock.
  const { rows } = await client.query<{ sequence: string; hash: string }>(
    "SELECT sequence, hash FROM plangate.audit_entries ORDER BY sequence DESC LIMIT 1",
  );
  const sequence = Number(rows[0]?.sequence ?? 0) + 1;
  const previousHash = rows[0]?.hash ?? beforeTheFirst;
  const body = canonicalize({ version: 1, sequence, previousHash, kind, ...content });
  if (body === undefined) throw new StoreError("audit-entry", "The audit entry has no JSON form");
  await client.query(
    "INSERT INTO plangate.audit_entries (sequence, previous_hash, hash, kind, body) VALUES ($1, $2, $3, $4, $5)",
    [sequence, previousHash, sha256Hex(body), kind, body],
  );
  return sequence;
}

/** What the chain says about a decision. The digests tie the stored decision and request to it. */
export function decisionEntry({ decision, request, caller }: DecisionRecord): object {
  return {
    decisionId: decision.id,
    decision: decision.decision,
    service: decision.service,
    environment: decision.environment,
    commit: decision.commit,
    action: request.action,
    requestedBy: decision.requestedBy,
    caller,
    evaluatedAt: decision.evaluatedAt,
    notAfter: decision.notAfter,
    requestDigest: decision.requestDigest,
    policyDigest: decision.policyDigest,
    ...overrideFields(decision),
    decisionDigest: digestOf(decision),
    requestRecordDigest: digestOf(request),
  };
}

/** Only where override tokens came with the request. */
function overrideFields({ withoutOverrides, overrides }: DecisionRecord["decision"]): object {
  return overrides === undefined ? {} : { withoutOverrides, overrides };
}

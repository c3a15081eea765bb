import type { PoolClient } from "pg";
import type { DecisionRecord } from "../../app/ports.ts";
import { canonicalJson, digestOf, sha256Hex } from "../../core/digest.ts";
import { beforeTheFirst } from "./audit-chain.ts";
import { advisoryLockSpace } from "./migrate.ts";

const chainLock = 2;

export interface ChainHead {
  /** Of the last entry; 0: there is none. */
  sequence: number;
  hash: string;
}

/** An entry before it has its place: what kind it is of, and what it says. */
export interface EntryContent {
  kind: string;
  content: object;
}

/**
 * The end of the chain, which stays the end until the transaction of `client` is over: all who append wait here for each other.
 * What is read later in the transaction is newer than all that was appended before.
 */
export async function lockChain(client: PoolClient): Promise<ChainHead> {
  await client.query("SELECT pg_advisory_xact_lock($1, $2)", [advisoryLockSpace, chainLock]);
  // A statement of its own: its snapshot must be taken after the lock.
  return readHead(client);
}

export async function readHead(client: PoolClient): Promise<ChainHead> {
  const { rows } = await client.query<{ sequence: string; hash: string }>(
    "SELECT sequence, hash FROM plangate.audit_entries ORDER BY sequence DESC LIMIT 1",
  );
  return { sequence: Number(rows[0]?.sequence ?? 0), hash: rows[0]?.hash ?? beforeTheFirst };
}

const insertSql = `
  INSERT INTO plangate.audit_entries (sequence, previous_hash, hash, kind, body)
  SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])`;

/** Appends to the chain that `lockChain` has locked, in the same transaction. Returns the numbers of the entries. */
export async function appendEntries(
  client: PoolClient,
  head: ChainHead,
  contents: readonly EntryContent[],
): Promise<number[]> {
  let previousHash = head.hash;
  const entries = contents.map(({ kind, content }, index) => {
    const sequence = head.sequence + index + 1;
    const body = canonicalJson({ version: 1, sequence, previousHash, kind, ...content });
    const entry = { sequence, previousHash, hash: sha256Hex(body), kind, body };
    previousHash = entry.hash;
    return entry;
  });
  await client.query(insertSql, [
    entries.map(({ sequence }) => sequence),
    entries.map((entry) => entry.previousHash),
    entries.map(({ hash }) => hash),
    entries.map(({ kind }) => kind),
    entries.map(({ body }) => body),
  ]);
  return entries.map(({ sequence }) => sequence);
}

/** What the chain says about a decision. The digests tie the stored decision and request to it. `masked`: where the request is not as received. */
export function decisionEntry({ decision, request, caller }: DecisionRecord, masked: readonly string[]): object {
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
    ...(masked.length === 0 ? {} : { masked }),
  };
}

/** Only where override tokens came with the request. */
function overrideFields({ withoutOverrides, overrides }: DecisionRecord["decision"]): object {
  return overrides === undefined ? {} : { withoutOverrides, overrides };
}

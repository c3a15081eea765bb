import type { PoolClient } from "pg";
import type { DecisionRecord } from "../../app/ports.ts";
import { canonicalJson, digestOf, sha256Hex } from "../../core/digest.ts";
import { beforeTheFirst } from "./audit-chain.ts";
import type { Database } from "./connection.ts";
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

const headSql = "SELECT sequence, hash FROM plangate.audit_entries ORDER BY sequence DESC LIMIT 1";
/** Two statements: the second one's snapshot must be taken after the lock. */
const lockSql = `SELECT pg_advisory_xact_lock(${advisoryLockSpace}, ${chainLock}); ${headSql}`;

/**
 * A transaction that appends to the chain. `head` stays the end of it until the transaction is over: all who append wait here for each
 * other. What `work` reads is newer than all that was appended before.
 */
export function appending<T>(
  database: Database,
  work: (client: PoolClient, head: ChainHead) => Promise<T>,
): Promise<T> {
  return database.transaction((client, rows) => work(client, toHead(rows)), { first: lockSql });
}

export async function readHead(client: PoolClient): Promise<ChainHead> {
  return toHead((await client.query(headSql)).rows);
}

function toHead([last]: readonly Readonly<Record<string, unknown>>[]): ChainHead {
  return last === undefined
    ? { sequence: 0, hash: beforeTheFirst }
    : { sequence: Number(last.sequence), hash: String(last.hash) };
}

const insertSql = `
  INSERT INTO plangate.audit_entries (sequence, previous_hash, hash, kind, body)
  SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])`;

/** Appends to the chain in a transaction of `appending`. Returns the numbers of the entries. */
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

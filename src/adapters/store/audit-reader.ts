import type { PoolClient } from "pg";
import type { AdmissionRow } from "./admission-row.ts";
import { appendOnlyTables } from "./append-only.ts";
import type { ChainProblem } from "./audit-chain.ts";
import type { ChainEntry, StoredDecision, UsedOverride } from "./audit-entry.ts";
import { type Database, StoreError } from "./connection.ts";

const entriesSql = `
  DECLARE audit_chain NO SCROLL CURSOR FOR
  SELECT entry.sequence, entry.previous_hash, entry.hash, entry.kind, entry.body AS content,
         decision.id, decision.caller, decision.service, decision.environment, decision.action, decision.commit_id, decision.decision,
         decision.evaluated_at, decision.not_after, decision.request_digest, decision.request, decision.body,
         to_json(admission) AS admission, used.rows AS used
  FROM plangate.audit_entries AS entry LEFT JOIN plangate.decisions AS decision ON decision.audit_sequence = entry.sequence
    LEFT JOIN plangate.admissions AS admission ON admission.audit_sequence = entry.sequence
    LEFT JOIN (SELECT decision_id, json_agg(consumed ORDER BY jti) AS rows FROM plangate.consumed_overrides AS consumed GROUP BY decision_id) AS used
      ON used.decision_id = decision.id
  ORDER BY entry.sequence`;

const straySql = (table: string, kind: string) => `
  SELECT stored.id, stored.audit_sequence FROM plangate.${table} AS stored
  WHERE NOT EXISTS (SELECT FROM plangate.audit_entries AS entry WHERE entry.sequence = stored.audit_sequence AND entry.kind = '${kind}')
  ORDER BY stored.audit_sequence LIMIT 100`;

const strayOverridesSql = `
  SELECT jti, decision_id FROM plangate.consumed_overrides AS used
  WHERE NOT EXISTS (SELECT FROM plangate.decisions AS decision WHERE decision.id = used.decision_id)
  ORDER BY jti LIMIT 100`;

const entriesAtOnce = 200;

interface EntryRow {
  sequence: string;
  previous_hash: string;
  hash: string;
  kind: string;
  content: string;
  /** null: no decision refers to the entry, and all that follows is null too. */
  id: string | null;
  caller: string;
  service: string;
  environment: string;
  action: string;
  commit_id: string | null;
  decision: string;
  evaluated_at: Date;
  not_after: Date | null;
  request_digest: string;
  request: unknown;
  body: unknown;
  admission: AdmissionColumns | null;
  /** null: there are none. */
  used: { jti: string; subject: string; kid: string; expires_at: string }[] | null;
}

interface AdmissionColumns {
  id: string;
  answered_at: string;
  environment: string;
  namespace: string;
  kind: string;
  name: string;
  operation: string;
  username: string;
  service: string | null;
  allowed: boolean;
  basis: string;
  decision_id: string | null;
  template_key: string | null;
}

/**
 * Gives every entry of the chain with its decision or admission to `visit`, in order, as of one moment; gates may go on appending. Returns
 * the decisions and admissions that no entry of the chain is about, and the used overrides whose decision is missing. Throws StoreError, and what `visit` throws.
 */
export function readChain(
  database: Database,
  visit: (entry: ChainEntry) => void | Promise<void>,
): Promise<ChainProblem[]> {
  return database.transaction(async (client) => {
    await requireStore(client);
    await client.query(entriesSql);
    for (;;) {
      const { rows } = await client.query<EntryRow>(`FETCH ${entriesAtOnce} FROM audit_chain`);
      for (const row of rows) await visit(toEntry(row));
      if (rows.length < entriesAtOnce) {
        return [
          ...(await strays(client, "decisions", "decision")),
          ...(await strays(client, "admissions", "admission")),
          ...(await strayOverrides(client)),
        ];
      }
    }
  });
}

/** Throws StoreError `no-store`. */
export async function requireStore(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    "SELECT format('plangate.%I', name) AS name FROM unnest($1::text[]) AS name WHERE to_regclass(format('plangate.%I', name)) IS NULL",
    [appendOnlyTables],
  );
  if (rows.length === 0) return;
  const missing = rows.map(({ name }) => name).join(", ");
  throw new StoreError(
    "no-store",
    `The database holds no plangate store of this version, or not all of it. Missing: ${missing}. Run: plangate migrate`,
  );
}

async function strays(client: PoolClient, table: string, kind: string): Promise<ChainProblem[]> {
  const { rows } = await client.query<{ id: string; audit_sequence: string }>(straySql(table, kind));
  const article = kind === "admission" ? "an" : "a";
  return rows.map(({ id, audit_sequence }) => ({
    position: Number(audit_sequence),
    message: `the ${kind} ${id} refers to it, but no entry of this number is about ${article} ${kind}`,
  }));
}

async function strayOverrides(client: PoolClient): Promise<ChainProblem[]> {
  const { rows } = await client.query<{ jti: string; decision_id: string }>(strayOverridesSql);
  return rows.map(({ jti, decision_id }) => ({
    position: null,
    message: `the use of the override ${jti} refers to the decision ${decision_id}, which is missing`,
  }));
}

function toEntry(row: EntryRow): ChainEntry {
  return {
    sequence: Number(row.sequence),
    previousHash: row.previous_hash,
    hash: row.hash,
    kind: row.kind,
    body: row.content,
    stored: row.id === null ? null : toStored(row, row.id),
    admission: row.admission === null ? null : toAdmission(row.admission),
    used: (row.used ?? []).map(toUsedOverride),
  };
}

function toAdmission({ answered_at, username, decision_id, template_key, ...same }: AdmissionColumns): AdmissionRow {
  return {
    ...same,
    at: isoTime(answered_at),
    user: username,
    decisionId: decision_id,
    templateKey: template_key,
  };
}

function toUsedOverride({ jti, subject, kid, expires_at }: NonNullable<EntryRow["used"]>[number]): UsedOverride {
  return { jti, subject, kid, expiresAt: isoTime(expires_at) };
}

function isoTime(text: string): string {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : at.toISOString(); // "infinity" is no date
}

function toStored(row: EntryRow, id: string): StoredDecision {
  const { caller, service, environment, action, decision, request, body } = row;
  return {
    id,
    caller,
    service,
    environment,
    action,
    commit: row.commit_id,
    decision,
    evaluatedAt: row.evaluated_at.toISOString(),
    notAfter: row.not_after?.toISOString() ?? null,
    requestDigest: row.request_digest,
    request,
    body,
  };
}

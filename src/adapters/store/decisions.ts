import type { PoolClient } from "pg";
import type { Clock, DecisionQuery, DecisionRecord, DecisionStore } from "../../app/ports.ts";
import { InputError } from "../../core/errors.ts";
import { appendAuditEntry, decisionEntry } from "./audit.ts";
import type { Database } from "./connection.ts";
import { settleClaim } from "./idempotency.ts";
import { consumeOverrides, usedOverrides } from "./overrides.ts";

export function decisionStore(database: Database, clock: Clock): DecisionStore {
  return {
    record: (record, claim) =>
      database.transaction(async (client) => {
        const recordedAt = clock.now().toISOString();
        const sequence = await appendAuditEntry(client, "decision", { ...decisionEntry(record), recordedAt });
        await insertDecision(client, record, sequence);
        await consumeOverrides(client, record.decision);
        if (claim !== undefined) await settleClaim(client, claim, record.decision.id);
      }),
    usedOverrides: (jtis) => database.transaction((client) => usedOverrides(client, jtis)),
    find: (id) => database.transaction((client) => findDecision(client, id)),
    list: (query) => database.transaction((client) => listDecisions(client, query)),
    wasApproved: ({ service, environment, commit }) =>
      database.transaction(async (client) => {
        const { rows } = await client.query<{ approved: boolean }>(wasApprovedSql, [commit, service, environment]);
        return rows[0]?.approved === true;
      }),
  };
}

const insertSql = `
  INSERT INTO plangate.decisions (id, audit_sequence, evaluated_at, caller, service, environment, action, commit_id, decision,
                                  not_after, request_digest, request, body)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`;

const wasApprovedSql = `
  SELECT EXISTS (SELECT FROM plangate.decisions
                 WHERE commit_id = $1 AND service = $2 AND environment = $3 AND decision = 'approved' AND action = 'deploy') AS approved`;

const listSql = `
  SELECT body, request, caller FROM plangate.decisions
  WHERE ($1::text IS NULL OR service = $1) AND ($2::text IS NULL OR environment = $2) AND ($3::text IS NULL OR decision = $3)
    AND ($4::bigint IS NULL OR audit_sequence < $4)
  ORDER BY audit_sequence DESC LIMIT $5`;

async function insertDecision(client: PoolClient, record: DecisionRecord, sequence: number): Promise<void> {
  const { decision, request, caller } = record;
  await client.query(insertSql, [
    decision.id,
    sequence,
    decision.evaluatedAt,
    caller,
    decision.service,
    decision.environment,
    request.action,
    decision.commit,
    decision.decision,
    decision.notAfter,
    decision.requestDigest,
    JSON.stringify(request),
    JSON.stringify(decision),
  ]);
}

interface DecisionRow {
  // What insertDecision wrote: nothing changes these rows.
  body: DecisionRecord["decision"];
  request: DecisionRecord["request"];
  caller: string;
}

const toRecord = ({ body, request, caller }: DecisionRow): DecisionRecord => ({ decision: body, request, caller });

async function findDecision(client: PoolClient, id: string): Promise<DecisionRecord | null> {
  const { rows } = await client.query<DecisionRow>(
    "SELECT body, request, caller FROM plangate.decisions WHERE id = $1",
    [id],
  );
  return rows[0] === undefined ? null : toRecord(rows[0]);
}

async function listDecisions(client: PoolClient, query: DecisionQuery): Promise<DecisionRecord[]> {
  const before = query.before === null ? null : await sequenceOf(client, query.before);
  const { rows } = await client.query<DecisionRow>(listSql, [
    query.service,
    query.environment,
    query.decision,
    before,
    query.limit,
  ]);
  return rows.map(toRecord);
}

async function sequenceOf(client: PoolClient, id: string): Promise<string> {
  const { rows } = await client.query<{ sequence: string }>(
    "SELECT audit_sequence AS sequence FROM plangate.decisions WHERE id = $1",
    [id],
  );
  if (rows[0] === undefined) {
    throw new InputError("bad-request", "The query is not valid", [
      { path: "before", message: "no decision has this id" },
    ]);
  }
  return rows[0].sequence;
}

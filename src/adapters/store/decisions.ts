import type { PoolClient } from "pg";
import type { Clock, DecisionQuery, DecisionRecord, DecisionStore } from "../../app/ports.ts";
import { InputError } from "../../core/errors.ts";
import { decisionRecorder } from "./audit-batch.ts";
import type { MaskablePath } from "./audit-mask.ts";
import type { Database } from "./connection.ts";
import { usedOverrides } from "./overrides.ts";

export function decisionStore(database: Database, clock: Clock, masked: readonly MaskablePath[]): DecisionStore {
  return {
    record: decisionRecorder(database, clock, masked),
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

const wasApprovedSql = `
  SELECT EXISTS (SELECT FROM plangate.decisions
                 WHERE commit_id = $1 AND service = $2 AND environment = $3 AND decision = 'approved' AND action = 'deploy') AS approved`;

const listSql = `
  SELECT body, request, caller FROM plangate.decisions
  WHERE ($1::text IS NULL OR service = $1) AND ($2::text IS NULL OR environment = $2) AND ($3::text IS NULL OR decision = $3)
    AND ($4::bigint IS NULL OR audit_sequence < $4)
  ORDER BY audit_sequence DESC LIMIT $5`;

interface DecisionRow {
  // What decisionRecorder wrote: nothing changes these rows.
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

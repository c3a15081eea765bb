import { DatabaseError, type PoolClient } from "pg";
import type { Clock, DecisionRecord, DecisionStore, IdempotencyClaim } from "../../app/ports.ts";
import { PlangateError } from "../../core/errors.ts";
import { jsonText } from "../../core/json.ts";
import { appendEntries, appending, type ChainHead, decisionEntry } from "./audit.ts";
import { type MaskablePath, maskSecrets } from "./audit-mask.ts";
import { type Database, StoreError } from "./connection.ts";
import { settleClaims } from "./idempotency.ts";
import { consumeOverrides } from "./overrides.ts";

interface Pending {
  record: DecisionRecord;
  claim: IdempotencyClaim | undefined;
  /** Made before the chain is locked, since they take time. */
  entry: object;
  request: string;
  body: string;
  settle(error: Error | null): void;
}

const mostAtOnce = 200;
const mostCharactersAtOnce = 4_000_000;

/**
 * Records decisions one batch after the other: those that come while a batch is being written are the next, in one transaction and with one
 * commit. A member that must not be recorded (its claim is lost, its override used up) fails alone.
 */
export function decisionRecorder(
  database: Database,
  clock: Clock,
  masked: readonly MaskablePath[],
): DecisionStore["record"] {
  const waiting: Pending[] = [];
  let writing = false;
  const writeAll = async () => {
    writing = true;
    while (waiting.length > 0) await writeNext(database, clock, () => takeBatch(waiting));
    writing = false;
  };
  return (given, claim) =>
    new Promise((resolve, reject) => {
      const request = maskSecrets(given.request, masked);
      const record = { ...given, request: request.value };
      waiting.push({
        record,
        claim,
        entry: decisionEntry(record, request.paths),
        request: JSON.stringify(request.value),
        body: jsonText(record.decision),
        settle: (error) => (error === null ? resolve() : reject(error)),
      });
      if (!writing) void writeAll();
    });
}

function takeBatch(waiting: Pending[]): Pending[] {
  let characters = 0;
  const end = waiting.findIndex(({ request, body }, index) => {
    characters += request.length + body.length;
    return index === mostAtOnce || (index > 0 && characters > mostCharactersAtOnce);
  });
  return waiting.splice(0, end === -1 ? waiting.length : end);
}

/** The batch is taken when its turn to append has come, so that it is as large as it can be. Never throws: members are told. */
async function writeNext(database: Database, clock: Clock, take: () => Pending[]): Promise<void> {
  let batch: Pending[] | undefined;
  const taken = () => (batch ??= take());
  try {
    await appending(database, (client, head) => writeBatch(client, head, clock, taken()));
    for (const member of taken()) member.settle(null);
  } catch (error) {
    const members = taken();
    if (members.length > 1 && mayBeOneMember(error)) {
      for (const member of members) await writeNext(database, clock, () => [member]);
    } else for (const member of members) member.settle(asError(error));
  }
}

/** Nothing was written, and the reason may lie in the data of one member: a value that the database refuses (SQLSTATE class 22, 23, 54). */
function mayBeOneMember(error: unknown): boolean {
  if (!(error instanceof StoreError)) return error instanceof PlangateError;
  return error.cause instanceof DatabaseError && /^(22|23|54)/.test(error.cause.code ?? "");
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Throws PlangateError `idempotency-claim-lost` or `override-used` where a member must not be recorded. */
async function writeBatch(
  client: PoolClient,
  head: ChainHead,
  clock: Clock,
  members: readonly Pending[],
): Promise<void> {
  const recordedAt = clock.now().toISOString();
  const contents = members.map(({ entry }) => ({ kind: "decision", content: { ...entry, recordedAt } }));
  await insertDecisions(client, members, await appendEntries(client, head, contents));
  for (const { record } of members) await consumeOverrides(client, record.decision);
  const settled = members.flatMap(({ claim, record }) =>
    claim === undefined ? [] : { claim, decisionId: record.decision.id },
  );
  await settleClaims(client, settled);
}

/** `request` and `body` come as one JSON array each, whose elements PostgreSQL keeps as they are written: nothing has to be escaped once more. */
const insertSql = `
  INSERT INTO plangate.decisions (audit_sequence, id, evaluated_at, caller, service, environment, action, commit_id, decision, not_after,
                                  request_digest, request, body)
  SELECT * FROM ROWS FROM (unnest($1::bigint[]), unnest($2::text[]), unnest($3::timestamptz[]), unnest($4::text[]), unnest($5::text[]),
    unnest($6::text[]), unnest($7::text[]), unnest($8::text[]), unnest($9::text[]), unnest($10::timestamptz[]), unnest($11::text[]),
    json_array_elements($12::json), json_array_elements($13::json))`;

async function insertDecisions(
  client: PoolClient,
  members: readonly Pending[],
  sequences: readonly number[],
): Promise<void> {
  const decisions = members.map(({ record }) => record.decision);
  await client.query(insertSql, [
    sequences,
    decisions.map(({ id }) => id),
    decisions.map(({ evaluatedAt }) => evaluatedAt),
    members.map(({ record }) => record.caller),
    decisions.map(({ service }) => service),
    decisions.map(({ environment }) => environment),
    members.map(({ record }) => record.request.action),
    decisions.map(({ commit }) => commit),
    decisions.map(({ decision }) => decision),
    decisions.map(({ notAfter }) => notAfter),
    decisions.map(({ requestDigest }) => requestDigest),
    jsonArray(members.map(({ request }) => request)),
    jsonArray(members.map(({ body }) => body)),
  ]);
}

function jsonArray(texts: readonly string[]): string {
  return `[${texts.join(",")}]`;
}

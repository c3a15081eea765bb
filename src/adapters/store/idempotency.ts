import { randomUUID } from "node:crypto";
import type { PoolClient } from "pg";
import type { Clock, IdempotencyAnswer, IdempotencyClaim, IdempotencyKey, IdempotencyStore } from "../../app/ports.ts";
import { PlangateError } from "../../core/errors.ts";
import { inBatches } from "./batches.ts";
import type { Database, Prunable } from "./connection.ts";

const rememberedMs = 24 * 3_600_000;
/** A gate that has not answered by then has died: another may take the request over. */
const claimMs = 120_000;
const mostAtOnce = 200;
const mostAbandoned = 10_000;

/**
 * Claims are not waited for until they are on disk: the decision that settles one is, and with it all that was committed before. A claim that
 * a crash of the server takes away can no longer be settled.
 */
export function idempotencyStore(database: Database, clock: Clock): IdempotencyStore & Prunable {
  /** Claims to give back, among them those that could not be while the database was away: the next transaction does. */
  const abandoned = new Map<string, IdempotencyClaim>();
  const abandon = (claims: readonly IdempotencyClaim[]) => {
    for (const claim of claims) if (abandoned.size < mostAbandoned) abandoned.set(claim.claim, claim);
  };
  const givingBack = async <T>(work: (client: PoolClient) => Promise<T>): Promise<T> => {
    const claims = [...abandoned.values()];
    const result = await database.transaction(
      async (client) => {
        await deleteClaims(client, claims);
        return work(client);
      },
      { durable: false },
    );
    for (const { claim } of claims) abandoned.delete(claim);
    return result;
  };
  return {
    claim: inBatches<IdempotencyKey, IdempotencyAnswer>(mostAtOnce, nameOf, (keys) =>
      claimAll(keys, clock.now(), givingBack, abandon),
    ),
    release: (claim) => {
      abandon([claim]);
      return givingBack(async () => {});
    },
    async forgetExpired() {
      await database.transaction((client) =>
        client.query("DELETE FROM plangate.idempotency_keys WHERE expires_at < $1", [clock.now()]),
      );
    },
  };
}

/** Where it is not known whether the claims were committed, they are given back. */
async function claimAll(
  keys: readonly IdempotencyKey[],
  at: Date,
  transaction: <T>(work: (client: PoolClient) => Promise<T>) => Promise<T>,
  abandon: (claims: readonly IdempotencyClaim[]) => void,
): Promise<readonly IdempotencyAnswer[]> {
  const claims = keys.map(({ caller, key }) => ({ caller, key, claim: randomUUID() }));
  try {
    return await transaction((client) => claimKeys(client, keys, claims, at));
  } catch (error) {
    abandon(claims);
    throw error;
  }
}

/** Those that have brought no decision about. */
async function deleteClaims(client: PoolClient, claims: readonly IdempotencyClaim[]): Promise<void> {
  if (claims.length === 0) return;
  await client.query(
    `DELETE FROM plangate.idempotency_keys AS known
     USING unnest($1::text[], $2::text[], $3::text[]) AS given (caller, key, claim)
     WHERE known.caller = given.caller AND known.key = given.key AND known.claim = given.claim AND known.decision_id IS NULL`,
    [claims.map(({ caller }) => caller), claims.map(({ key }) => key), claims.map(({ claim }) => claim)],
  );
}

/** Takes the keys that are new, expired, or claimed by a gate that died over the same body. */
const claimSql = `
  INSERT INTO plangate.idempotency_keys AS known (caller, key, body_digest, claim, claim_expires_at, expires_at)
  SELECT caller, key, body_digest, claim, $5, $6
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS given (caller, key, body_digest, claim)
  ON CONFLICT (caller, key) DO UPDATE
    SET body_digest = excluded.body_digest, claim = excluded.claim, claim_expires_at = excluded.claim_expires_at,
        expires_at = excluded.expires_at, decision_id = NULL
    WHERE known.expires_at <= $7
       OR (known.decision_id IS NULL AND known.claim_expires_at <= $7 AND known.body_digest = excluded.body_digest)
  RETURNING claim`;

const knownSql = `
  SELECT caller, key, body_digest, decision_id FROM plangate.idempotency_keys
  JOIN unnest($1::text[], $2::text[]) AS given (caller, key) USING (caller, key)`;

/** The answers in the order of the keys, of which no two are the same. */
async function claimKeys(
  client: PoolClient,
  keys: readonly IdempotencyKey[],
  given: readonly IdempotencyClaim[],
  at: Date,
): Promise<readonly IdempotencyAnswer[]> {
  // Gates that lock the same rows in the same order do not wait for each other in a circle.
  const wanted = keys
    .map((key, index) => ({ ...key, name: nameOf(key), claim: given[index]?.claim ?? "" }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const { rows: taken } = await client.query<{ claim: string }>(claimSql, [
    wanted.map(({ caller }) => caller),
    wanted.map(({ key }) => key),
    wanted.map(({ bodyDigest }) => bodyDigest),
    wanted.map(({ claim }) => claim),
    new Date(at.getTime() + claimMs),
    new Date(at.getTime() + rememberedMs),
    at,
  ]);
  const claims = new Set(taken.map(({ claim }) => claim));
  const others = wanted.filter(({ claim }) => !claims.has(claim));
  const known = new Map((await knownKeys(client, others)).map((row) => [nameOf(row), row]));
  return keys.map((key, index) => {
    const claim = given[index];
    return claim !== undefined && claims.has(claim.claim)
      ? { kind: "claimed", claim }
      : answerFor(known.get(nameOf(key)), key.bodyDigest);
  });
}

interface KnownKey {
  caller: string;
  key: string;
  body_digest: string;
  decision_id: string | null;
}

async function knownKeys(client: PoolClient, keys: readonly { caller: string; key: string }[]): Promise<KnownKey[]> {
  if (keys.length === 0) return [];
  return (await client.query<KnownKey>(knownSql, [keys.map(({ caller }) => caller), keys.map(({ key }) => key)])).rows;
}

function answerFor(known: KnownKey | undefined, bodyDigest: string): IdempotencyAnswer {
  // Its holder gave it up in between.
  if (known === undefined) return { kind: "in-flight" };
  if (known.body_digest !== bodyDigest) return { kind: "other-body" };
  if (known.decision_id === null) return { kind: "in-flight" };
  return { kind: "decided", decisionId: known.decision_id };
}

function nameOf({ caller, key }: { caller: string; key: string }): string {
  return JSON.stringify([caller, key]);
}

/** Ties decisions to the keys of held claims, in the decisions' own transaction. Throws PlangateError `idempotency-claim-lost`. */
export async function settleClaims(
  client: PoolClient,
  settled: readonly { claim: IdempotencyClaim; decisionId: string }[],
): Promise<void> {
  if (settled.length === 0) return;
  const { rowCount } = await client.query(
    `UPDATE plangate.idempotency_keys AS known SET decision_id = given.decision_id
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS given (caller, key, claim, decision_id)
     WHERE known.caller = given.caller AND known.key = given.key AND known.claim = given.claim AND known.decision_id IS NULL`,
    [
      settled.map(({ claim }) => claim.caller),
      settled.map(({ claim }) => claim.key),
      settled.map(({ claim }) => claim.claim),
      settled.map(({ decisionId }) => decisionId),
    ],
  );
  if (rowCount === settled.length) return;
  throw new PlangateError("idempotency-claim-lost", "The request took so long that its Idempotency-Key was given away");
}

import { randomUUID } from "node:crypto";
import type { PoolClient } from "pg";
import type { Clock, IdempotencyAnswer, IdempotencyClaim, IdempotencyKey, IdempotencyStore } from "../../app/ports.ts";
import { PlangateError } from "../../core/errors.ts";
import type { Database, Prunable } from "./connection.ts";

const rememberedMs = 24 * 3_600_000;
/** A gate that has not answered by then has died: another may take the request over. */
const claimMs = 120_000;

export function idempotencyStore(database: Database, clock: Clock): IdempotencyStore & Prunable {
  return {
    claim: (key) => database.transaction((client) => claimKey(client, key, clock.now())),
    release: ({ caller, key, claim }) =>
      database.transaction(async (client) => {
        await client.query(
          "DELETE FROM plangate.idempotency_keys WHERE caller = $1 AND key = $2 AND claim = $3 AND decision_id IS NULL",
          [caller, key, claim],
        );
      }),
    async forgetExpired() {
      await database.transaction((client) =>
        client.query("DELETE FROM plangate.idempotency_keys WHERE expires_at < $1", [clock.now()]),
      );
    },
  };
}

/** Takes the key if it is new, expired, or claimed by a gate that died over the same body. */
const claimSql = `
  INSERT INTO plangate.idempotency_keys AS known (caller, key, body_digest, claim, claim_expires_at, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (caller, key) DO UPDATE
    SET body_digest = excluded.body_digest, claim = excluded.claim, claim_expires_at = excluded.claim_expires_at,
        expires_at = excluded.expires_at, decision_id = NULL
    WHERE known.expires_at <= $7
       OR (known.decision_id IS NULL AND known.claim_expires_at <= $7 AND known.body_digest = excluded.body_digest)`;

async function claimKey(
  client: PoolClient,
  { caller, key, bodyDigest }: IdempotencyKey,
  at: Date,
): Promise<IdempotencyAnswer> {
  const claim = randomUUID();
  const claimExpires = new Date(at.getTime() + claimMs);
  const expires = new Date(at.getTime() + rememberedMs);
  const { rowCount } = await client.query(claimSql, [caller, key, bodyDigest, claim, claimExpires, expires, at]);
  if (rowCount === 1) return { kind: "claimed", claim: { caller, key, claim } };
  const { rows } = await client.query<{ body_digest: string; decision_id: string | null }>(
    "SELECT body_digest, decision_id FROM plangate.idempotency_keys WHERE caller = $1 AND key = $2",
    [caller, key],
  );
  const [known] = rows;
  // Its holder gave it up in between.
  if (known === undefined) return { kind: "in-flight" };
  if (known.body_digest !== bodyDigest) return { kind: "other-body" };
  if (known.decision_id === null) return { kind: "in-flight" };
  return { kind: "decided", decisionId: known.decision_id };
}

/** Those of the claims that are still held, by `claim`; they stay so until the transaction ends. */
export async function heldClaims(
  client: PoolClient,
  claims: readonly IdempotencyClaim[],
): Promise<ReadonlySet<string>> {
  if (claims.length === 0) return new Set();
  const { rows } = await client.query<{ claim: string }>(
    `SELECT known.claim FROM plangate.idempotency_keys AS known
     JOIN unnest($1::text[], $2::text[], $3::text[]) AS given (caller, key, claim) USING (caller, key, claim)
     WHERE known.decision_id IS NULL FOR UPDATE OF known`,
    [claims.map(({ caller }) => caller), claims.map(({ key }) => key), claims.map(({ claim }) => claim)],
  );
  return new Set(rows.map(({ claim }) => claim));
}

export function claimLost(): PlangateError {
  return new PlangateError(
    "idempotency-claim-lost",
    "The request took so long that its Idempotency-Key was given away",
  );
}

/** Ties decisions to the keys of held claims, in the decisions' own transaction. */
export async function settleClaims(
  client: PoolClient,
  settled: readonly { claim: IdempotencyClaim; decisionId: string }[],
): Promise<void> {
  if (settled.length === 0) return;
  await client.query(
    `UPDATE plangate.idempotency_keys AS known SET decision_id = given.decision_id
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS given (caller, key, claim, decision_id)
     WHERE known.caller = given.caller AND known.key = given.key AND known.claim = given.claim`,
    [
      settled.map(({ claim }) => claim.caller),
      settled.map(({ claim }) => claim.key),
      settled.map(({ claim }) => claim.claim),
      settled.map(({ decisionId }) => decisionId),
    ],
  );
}

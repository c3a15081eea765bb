import type { PoolClient } from "pg";
import type { Decision } from "../../core/decision.ts";
import { PlangateError } from "../../core/errors.ts";

/** Waits for a transaction that is using up the same token, and takes nothing if that one commits. */
const consumeSql = `
  INSERT INTO plangate.consumed_overrides (jti, decision_id, subject, kid, expires_at)
  SELECT token.jti, $1, token.subject, token.kid, token.expires_at
  FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS token (jti, subject, kid, expires_at)
  ON CONFLICT (jti) DO NOTHING`;

/** Uses up the overrides that an approval came about by, in its own transaction. Throws PlangateError `override-used`. */
export async function consumeOverrides(client: PoolClient, { id, allowed, overrides = [] }: Decision): Promise<void> {
  const tokens = overrides.filter(({ consumed }) => consumed);
  if (tokens.length === 0) return;
  if (!allowed) throw new TypeError(`the rejection ${id} must not use up overrides`);
  const { rowCount } = await client.query(consumeSql, [
    id,
    tokens.map(({ jti }) => jti),
    tokens.map(({ by }) => by),
    tokens.map(({ kid }) => kid),
    tokens.map(({ expiresAt }) => expiresAt),
  ]);
  if (rowCount !== tokens.length) {
    throw overrideUsed();
  }
}

function overrideUsed(): PlangateError {
  return new PlangateError("override-used", "Another decision has used up an override of this request.");
}

export async function usedOverrides(client: PoolClient, jtis: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ jti: string; decision_id: string }>(
    "SELECT jti, decision_id FROM plangate.consumed_overrides WHERE jti = ANY ($1)",
    [jtis],
  );
  return new Map(rows.map(({ jti, decision_id }) => [jti, decision_id]));
}

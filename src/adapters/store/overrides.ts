import type { PoolClient } from "pg";
import { z } from "zod";
import type { Decision } from "../../core/decision.ts";
import { PlangateError } from "../../core/errors.ts";

/** Waits for a transaction that is using up the same token, and takes nothing if that one commits. */
const consumeSql = `
  INSERT INTO plangate.consumed_overrides (jti, decision_id, subject, kid, expires_at)
  SELECT token.jti, $1, token.subject, token.kid, token.expires_at
  FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS token (jti, subject, kid, expires_at)
  ON CONFLICT (jti) DO NOTHING`;

/**
 * Uses up the overrides that an approval came about by, in its own transaction, which holds the end of the chain. Throws PlangateError
 * `override-used`, and what usedOverrides throws.
 */
export async function consumeOverrides(client: PoolClient, { id, allowed, overrides = [] }: Decision): Promise<void> {
  const tokens = overrides.filter(({ consumed }) => consumed);
  if (tokens.length === 0) return;
  if (!allowed) throw new TypeError(`the rejection ${id} must not use up overrides`);
  const jtis = tokens.map(({ jti }) => jti);
  const { rowCount } = await client.query(consumeSql, [
    id,
    jtis,
    tokens.map(({ by }) => by),
    tokens.map(({ kid }) => kid),
    tokens.map(({ expiresAt }) => expiresAt),
  ]);
  const others = (await usesInChain(client, jtis)).filter(({ decisionId }) => decisionId !== id);
  if (rowCount !== tokens.length || others.length > 0) {
    throw new PlangateError("override-used", "Another decision has used up an override of this request.");
  }
}

/**
 * Those of the overrides that were used up, and by which decision. Whoever takes a row out of the table does not make a token count again: the
 * chain is asked too. Throws PlangateError `store-inconsistent`.
 */
export async function usedOverrides(client: PoolClient, jtis: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ jti: string; decision_id: string }>(
    "SELECT jti, decision_id FROM plangate.consumed_overrides WHERE jti = ANY ($1)",
    [jtis],
  );
  const inChain = await usesInChain(client, jtis);
  return new Map([
    ...rows.map(({ jti, decision_id }) => [jti, decision_id] as const),
    ...inChain.map(({ jti, decisionId }) => [jti, decisionId] as const),
  ]);
}

/** The condition is that of the index on these entries. An entry is canonical JSON, so what it says of a jti has one form. */
const inChainSql = `
  SELECT sequence, body FROM plangate.audit_entries
  WHERE body LIKE '%"consumed":true%' AND EXISTS (SELECT FROM unnest($1::text[]) AS token (text) WHERE strpos(body, token.text) > 0)
  ORDER BY sequence`;

const entrySchema = z.looseObject({
  decisionId: z.string(),
  overrides: z.array(z.looseObject({ jti: z.string(), consumed: z.boolean() })),
});

async function usesInChain(
  client: PoolClient,
  jtis: readonly string[],
): Promise<{ jti: string; decisionId: string }[]> {
  const { rows } = await client.query<{ sequence: string; body: string }>(inChainSql, [
    jtis.map((jti) => `"jti":${JSON.stringify(jti)}`),
  ]);
  return rows.flatMap(({ sequence, body }) => {
    const { decisionId, overrides } = readEntry(sequence, body);
    return overrides
      .filter(({ jti, consumed }) => consumed && jtis.includes(jti))
      .map(({ jti }) => ({ jti, decisionId }));
  });
}

function readEntry(sequence: string, body: string): z.infer<typeof entrySchema> {
  try {
    return entrySchema.parse(JSON.parse(body));
  } catch (cause) {
    const message = `Entry ${sequence} of the audit chain is not as a gate writes it: whether an override was used before cannot be told. Run: plangate audit verify`;
    throw new PlangateError("store-inconsistent", message, { cause });
  }
}

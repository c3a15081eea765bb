import type { PoolClient } from "pg";
import { z } from "zod";
import type { TrustedBundle } from "../../core/evidence/bundle.ts";
import { type IndexAge, rememberIndexes } from "../../core/evidence/index-ages.ts";
import { clockToleranceMs } from "../../core/evidence/usable.ts";
import { count, instant } from "../../core/values.ts";
import { advisoryLockSpace } from "./migrate.ts";

const agesLock = 3;

const rowSchema = z.strictObject({
  schema: z.string(),
  name: z.string(),
  table: z.string(),
  definition: z.string(),
  seenSince: z.date(),
  appeared: z.boolean(),
  counters: z.array(
    z.tuple([z.string(), z.strictObject({ oid: z.int().nullable(), scans: count, capturedAt: instant })]),
  ),
});

const selectSql = `
  SELECT schema_name AS schema, index_name AS name, table_name AS "table", definition, seen_since AS "seenSince", appeared, counters
  FROM plangate.index_ages WHERE database = $1`;

export async function readIndexAges(client: PoolClient, database: string): Promise<IndexAge[]> {
  const { rows } = await client.query(selectSql, [database]);
  return rows.map((row) => {
    const { counters, ...age } = rowSchema.parse(row);
    return { ...age, counters: new Map(counters) };
  });
}

const readBeforeSql = `
  SELECT EXISTS (SELECT FROM plangate.evidence_bundles WHERE database = $1 AND trust = 'pulled' AND digest <> $2) AS known`;

const deleteSql = `
  DELETE FROM plangate.index_ages AS age
  USING json_to_recordset($2::json) AS gone (schema text, name text, definition text)
  WHERE age.database = $1 AND age.schema_name = gone.schema AND age.index_name = gone.name AND age.definition = gone.definition`;

const upsertSql = `
  INSERT INTO plangate.index_ages (database, schema_name, index_name, definition, table_name, seen_since, appeared, counters)
  SELECT $1, seen.schema, seen.name, seen.definition, seen."table", seen."seenSince", seen.appeared, seen.counters
  FROM json_to_recordset($2::json)
    AS seen (schema text, name text, definition text, "table" text, "seenSince" timestamptz, appeared boolean, counters json)
  ON CONFLICT (database, schema_name, index_name, definition) DO UPDATE
    SET seen_since = excluded.seen_since, appeared = excluded.appeared, counters = excluded.counters`;

/**
 * Remembers what a bundle shows, in the transaction of `client`. Gates do so one after the other, so none forgets what another saw.
 * Where a gate has read the database itself, lower trust adds nothing.
 */
export async function rememberBundle(
  client: PoolClient,
  database: string,
  { bundle, trust, digest }: TrustedBundle,
  receivedAt: Date,
): Promise<void> {
  // From the future: it would outdo every bundle until then.
  if (bundle.capturedAt.getTime() > receivedAt.getTime() + clockToleranceMs) return;
  await client.query("SELECT pg_advisory_xact_lock($1, $2)", [advisoryLockSpace, agesLock]);
  const { rows } = await client.query<{ known: boolean }>(readBeforeSql, [database, digest]);
  const readBefore = rows[0]?.known === true;
  if (readBefore && trust !== "pulled") return;
  const { changed, gone } = rememberIndexes(await readIndexAges(client, database), {
    bundle,
    whole: trust === "pulled",
    readBefore,
  });
  if (gone.length > 0) await client.query(deleteSql, [database, JSON.stringify(gone)]);
  const written = changed.map(({ counters, ...age }) => ({ ...age, counters: [...counters] }));
  if (written.length > 0) await client.query(upsertSql, [database, JSON.stringify(written)]);
}

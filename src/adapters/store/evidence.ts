import type { PoolClient } from "pg";
import type { Clock, EvidenceStore, ReceivedBundle } from "../../app/ports.ts";
import { evidenceBundleSchema, sectionsOf, type Trust } from "../../core/evidence/bundle.ts";
import { type Database, type Prunable, StoreError } from "./connection.ts";
import { EvidenceCache, type KeptBundle } from "./evidence-cache.ts";
import { readIndexAges, rememberBundle } from "./index-ages.ts";

/**
 * How many bundles with a section a decision looks at, per server and trust. Collectors push each section at its own pace, so they are
 * counted one by one; plans come in many small bundles. A lower trust never pushes a higher one out.
 */
const newestPerSection = 10;
const newestWithPlans = 100;

/**
 * What the gate reads itself comes every few minutes, whole. The newest bundle of a node says all that the older ones do, but for
 * counters of long ago: of those one a day is kept.
 */
const keptWholeMs = 24 * 3_600_000;
const historyMs = 400 * 24 * 3_600_000;

export function evidenceStore(database: Database, clock: Clock, retentionMs: number | null): EvidenceStore & Prunable {
  const ago = (ms: number) => new Date(clock.now().getTime() - ms);
  const oldest = () => (retentionMs === null ? new Date(0) : ago(retentionMs));
  const cache = new EvidenceCache();
  return {
    async bundlesOf(name, lookBacks = []) {
      const known = cache.of(name);
      const limits = [oldest(), newestPerSection, newestWithPlans, lookBacks];
      const { rows } = await database.transaction((client) =>
        client.query<BundleRow>(newestSql, [name, ...limits, [...known.keys()]]),
      );
      return rows.map((row) => {
        const kept = known.get(row.content) ?? parseRow(row);
        cache.use(row.content, kept);
        const { digest, trust, signed_by: signedBy } = row;
        return { bundle: kept.bundle, trust, digest, ...(signedBy !== null && { signedBy }) };
      });
    },
    add: (name, bundles, caller) =>
      database.transaction(async (client) => {
        const receivedAt = clock.now();
        for (const bundle of bundles) await insertBundle(client, name, bundle, caller, receivedAt);
        for (const { parsed } of bundles)
          if (parsed.trust !== "asserted") await rememberBundle(client, name, parsed, receivedAt);
      }),
    lastPull: (name, node) =>
      database.transaction(async (client) => {
        const { rows } = await client.query<{ last: Date | null }>(lastPullSql, [name, node]);
        return rows[0]?.last ?? null;
      }),
    indexAges: (name) => database.transaction((client) => readIndexAges(client, name)),
    async forgetExpired() {
      await database.transaction(async (client) => {
        await client.query("DELETE FROM plangate.evidence_bundles WHERE trust <> 'pulled' AND received_at < $1", [
          oldest(),
        ]);
        await client.query(forgetPulledSql, [ago(keptWholeMs), ago(historyMs)]);
        await client.query(reducePulledSql, [ago(keptWholeMs)]);
      });
    },
  };
}

const lastPullSql = `
  SELECT max(received_at) AS last FROM plangate.evidence_bundles WHERE database = $1 AND server = $2 AND trust = 'pulled'`;

/**
 * A bundle without any section (a server that only says it is there) counts as one section of its own. For each time in $5 (ms) the
 * counters of that long before the newest are added, without the rest of their bundle. `content` is another one after each change of the
 * row (xmin); where it is in $6, the body is not read.
 */
const newestSql = `
  WITH usable AS (
    SELECT digest, server, trust, captured_at, sections, system_identifier
    FROM plangate.evidence_bundles
    WHERE database = $1 AND (received_at >= $2 OR trust = 'pulled')),
  ranked AS (
    SELECT digest, section,
           row_number() OVER (PARTITION BY server, trust, section ORDER BY captured_at DESC, digest) AS position
    FROM usable, LATERAL unnest(CASE WHEN sections = '{}' THEN '{none}' ELSE sections END) AS section
    WHERE trust <> 'pulled'),
  pulled AS (
    SELECT DISTINCT ON (server) digest FROM usable WHERE trust = 'pulled' ORDER BY server, captured_at DESC, digest),
  chosen AS (
    SELECT digest FROM ranked WHERE position <= CASE section WHEN 'plans' THEN $4::int ELSE $3::int END
    UNION SELECT digest FROM pulled),
  newest AS (
    SELECT DISTINCT ON (server, trust) server, trust, captured_at, system_identifier
    FROM usable WHERE 'indexUsage' = ANY (sections) ORDER BY server, trust, captured_at DESC),
  history AS (
    SELECT earlier.digest
    FROM newest, unnest($5::float8[]) AS look_back,
      LATERAL (
        SELECT digest FROM usable
        WHERE server = newest.server AND trust = newest.trust AND 'indexUsage' = ANY (sections)
          AND system_identifier IS NOT DISTINCT FROM newest.system_identifier
          AND captured_at <= newest.captured_at - look_back * interval '1 millisecond'
        ORDER BY captured_at DESC LIMIT 1) AS earlier),
  found AS (
    SELECT digest, trust, signed_by, captured_at, body, whole,
           concat_ws(' ', database, digest, xmin, CASE WHEN whole THEN 'whole' ELSE 'counters' END) AS content
    FROM plangate.evidence_bundles, LATERAL (SELECT digest IN (SELECT digest FROM chosen) AS whole) AS part
    WHERE database = $1 AND digest IN (SELECT digest FROM chosen UNION SELECT digest FROM history))
  SELECT digest, trust, signed_by, content,
         CASE WHEN content = ANY ($6::text[]) THEN NULL WHEN whole THEN body::text ELSE ${countersOnly()}::text END AS body
  FROM found
  ORDER BY captured_at DESC, digest`;

/** Keeps of each node the newest, all of the last day, and the last one of each day (UTC). */
const forgetPulledSql = `
  DELETE FROM plangate.evidence_bundles
  WHERE trust = 'pulled' AND received_at < $1 AND (database, digest) IN (
    SELECT database, digest
    FROM (
      SELECT database, digest, received_at,
             row_number() OVER (PARTITION BY database, server ORDER BY captured_at DESC, digest) AS age,
             row_number() OVER (PARTITION BY database, server, (captured_at AT TIME ZONE 'UTC')::date
                                ORDER BY captured_at DESC, digest) AS of_day
      FROM plangate.evidence_bundles WHERE trust = 'pulled') AS ranked
    WHERE age > 1 AND (of_day > 1 OR received_at < $2))`;

const reducePulledSql = `
  UPDATE plangate.evidence_bundles AS bundle
  SET body = ${countersOnly()}, sections = '{indexUsage}'
  WHERE trust = 'pulled' AND received_at < $1 AND sections <> '{indexUsage}' AND 'indexUsage' = ANY (sections)
    AND EXISTS (
      SELECT FROM plangate.evidence_bundles AS newer
      WHERE newer.database = bundle.database AND newer.server = bundle.server AND newer.trust = 'pulled'
        AND newer.captured_at > bundle.captured_at)`;

function countersOnly(): string {
  const keys = ["version", "capturedAt", "server", "indexUsage"];
  return `json_build_object(${keys.map((key) => `'${key}', body -> '${key}'`).join(", ")})`;
}

interface BundleRow {
  digest: string;
  trust: Trust;
  signed_by: string | null;
  content: string;
  /** JSON text; null: it is known. */
  body: string | null;
}

function parseRow({ digest, body }: BundleRow): KeptBundle {
  if (body === null) throw new TypeError("only what is known comes without its body");
  const parsed = evidenceBundleSchema.safeParse(JSON.parse(body));
  if (parsed.success) return { bundle: parsed.data, size: body.length };
  // Written by a gate with another schema. Leaving it out could hide a reason to reject.
  throw new StoreError("evidence-unreadable", `The stored evidence bundle ${digest} is not readable by this version`, {
    cause: parsed.error,
  });
}

/** Sent again, a bundle can gain trust or a signature by another key, and never lose any. */
const insertSql = `
  INSERT INTO plangate.evidence_bundles AS stored
    (database, digest, server, trust, captured_at, received_at, caller, sections, body, signed_by, system_identifier)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
  ON CONFLICT (database, digest) DO UPDATE
    SET trust = EXCLUDED.trust, signed_by = EXCLUDED.signed_by, caller = EXCLUDED.caller, body = EXCLUDED.body
    WHERE array_position('{asserted,signed,pulled}'::text[], EXCLUDED.trust)
          > array_position('{asserted,signed,pulled}'::text[], stored.trust)
       OR (stored.trust = 'signed' AND EXCLUDED.trust = 'signed' AND stored.signed_by IS DISTINCT FROM EXCLUDED.signed_by)`;

async function insertBundle(
  client: PoolClient,
  database: string,
  { raw, parsed: { bundle, trust, digest, signedBy } }: ReceivedBundle,
  caller: string,
  receivedAt: Date,
): Promise<void> {
  const identifier = bundle.server.systemIdentifier;
  await client.query(insertSql, [
    database,
    digest,
    bundle.server.name,
    trust,
    bundle.capturedAt,
    receivedAt,
    caller,
    sectionsOf(bundle),
    JSON.stringify(raw),
    signedBy ?? null,
    identifier == null || identifier.includes("\0") ? null : identifier,
  ]);
}

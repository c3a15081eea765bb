import type { PoolClient } from "pg";
import type { Clock, EvidenceStore, ReceivedBundle } from "../../app/ports.ts";
import { evidenceBundleSchema, sectionsOf, type Trust, type TrustedBundle } from "../../core/evidence/bundle.ts";
import { type Database, type Prunable, StoreError } from "./connection.ts";

/**
 * How many bundles with a section a decision looks at, per server and trust. Collectors push each section at its own pace, so they are
 * counted one by one; plans come in many small bundles. A lower trust never pushes a higher one out.
 */
const newestPerSection = 10;
const newestWithPlans = 100;

export function evidenceStore(database: Database, clock: Clock, retentionMs: number | null): EvidenceStore & Prunable {
  const oldest = () => new Date(retentionMs === null ? 0 : clock.now().getTime() - retentionMs);
  return {
    bundlesOf: (name) =>
      database.transaction(async (client) => {
        const { rows } = await client.query<BundleRow>(newestSql, [name, oldest(), newestPerSection, newestWithPlans]);
        return rows.map(toBundle);
      }),
    add: (name, bundles, caller) =>
      database.transaction(async (client) => {
        const receivedAt = clock.now();
        for (const bundle of bundles) await insertBundle(client, name, bundle, caller, receivedAt);
      }),
    async forgetExpired() {
      await database.transaction((client) =>
        client.query("DELETE FROM plangate.evidence_bundles WHERE received_at < $1", [oldest()]),
      );
    },
  };
}

/** A bundle without any section (a server that only says it is there) counts as one section of its own. */
const newestSql = `
  WITH ranked AS (
    SELECT digest, section,
           row_number() OVER (PARTITION BY server, trust, section ORDER BY captured_at DESC, digest) AS position
    FROM plangate.evidence_bundles,
         LATERAL unnest(CASE WHEN sections = '{}' THEN '{none}' ELSE sections END) AS section
    WHERE database = $1 AND received_at >= $2)
  SELECT digest, trust, signed_by, body
  FROM plangate.evidence_bundles
  WHERE database = $1
    AND digest IN (SELECT digest FROM ranked WHERE position <= CASE section WHEN 'plans' THEN $4::int ELSE $3::int END)
  ORDER BY captured_at DESC, digest`;

interface BundleRow {
  digest: string;
  trust: Trust;
  signed_by: string | null;
  body: unknown;
}

function toBundle({ digest, trust, signed_by: signedBy, body }: BundleRow): TrustedBundle {
  const parsed = evidenceBundleSchema.safeParse(body);
  if (parsed.success) return { bundle: parsed.data, trust, digest, ...(signedBy !== null && { signedBy }) };
  // Written by a gate with another schema. Leaving it out could hide a reason to reject.
  throw new StoreError("evidence-unreadable", `The stored evidence bundle ${digest} is not readable by this version`, {
    cause: parsed.error,
  });
}

/** Sent again, a bundle can gain trust or a signature by another key, and never lose any. */
const insertSql = `
  INSERT INTO plangate.evidence_bundles AS stored
    (database, digest, server, trust, captured_at, received_at, caller, sections, body, signed_by)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
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
  ]);
}

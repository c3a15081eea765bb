import { DatabaseError, type PoolClient } from "pg";
import { sha256Hex } from "../../core/digest.ts";
import { type Database, StoreError } from "./connection.ts";
import decisionsAndAudit from "./schema/0001_decisions_and_audit.sql";
import evidenceBundles from "./schema/0002_evidence_bundles.sql";
import evidenceSigners from "./schema/0003_evidence_signers.sql";
import pulledEvidence from "./schema/0004_pulled_evidence.sql";
import consumedOverrides from "./schema/0005_consumed_overrides.sql";
import auditCheckpoints from "./schema/0006_audit_checkpoints.sql";
import notifications from "./schema/0007_notifications.sql";
import admissions from "./schema/0008_admissions.sql";
import overridesInChain from "./schema/0009_overrides_in_chain.sql";

export interface SchemaMigration {
  /** Counts up from 1 without gaps. */
  version: number;
  name: string;
  sql: string;
}

/** Files that were released must not be edited again: stores remember their checksums. */
export const schemaMigrations: readonly SchemaMigration[] = [
  { version: 1, name: "0001_decisions_and_audit", sql: decisionsAndAudit },
  { version: 2, name: "0002_evidence_bundles", sql: evidenceBundles },
  { version: 3, name: "0003_evidence_signers", sql: evidenceSigners },
  { version: 4, name: "0004_pulled_evidence", sql: pulledEvidence },
  { version: 5, name: "0005_consumed_overrides", sql: consumedOverrides },
  { version: 6, name: "0006_audit_checkpoints", sql: auditCheckpoints },
  { version: 7, name: "0007_notifications", sql: notifications },
  { version: 8, name: "0008_admissions", sql: admissions },
  { version: 9, name: "0009_overrides_in_chain", sql: overridesInChain },
];

/** Any number that no other program takes in this database: "plangate" in ASCII. */
export const advisoryLockSpace = 0x706c6e67;
const migrationLock = 1;

/**
 * Brings the store's schema to this version, in one transaction: all of it or nothing. Gates that start at the same time wait
 * for each other. Returns the names of what it applied. Throws StoreError `schema-newer`, `schema-drift`, or `schema-outdated` where it
 * may not change the schema.
 */
export function migrateStore(
  database: Database,
  migrations: readonly SchemaMigration[] = schemaMigrations,
): Promise<string[]> {
  const migrated = database.transaction(async (client) => {
    await client.query("SELECT pg_advisory_xact_lock($1, $2)", [advisoryLockSpace, migrationLock]);
    await prepare(client);
    const applied = await appliedMigrations(client);
    checkApplied(applied, migrations);
    const missing = migrations.filter(({ version }) => !applied.has(version));
    for (const { version, name, sql } of missing) {
      await client.query(sql);
      await client.query("INSERT INTO plangate.schema_migrations (version, name, checksum) VALUES ($1, $2, $3)", [
        version,
        name,
        sha256Hex(sql),
      ]);
    }
    return missing.map(({ name }) => name);
  });
  return migrated.catch((error: unknown) => {
    throw isNotAllowed(error) ? ownerNeeded(error) : error;
  });
}

/** SQLSTATE insufficient_privilege. */
function isNotAllowed(error: unknown): boolean {
  return error instanceof StoreError && error.cause instanceof DatabaseError && error.cause.code === "42501";
}

function ownerNeeded(cause: unknown): StoreError {
  return new StoreError(
    "schema-outdated",
    "The store's schema is not that of this version, and the gate's role may not change it. " +
      "Run as the owner: plangate migrate --database-url env:OWNER_URL --gate-role ROLE",
    { cause },
  );
}

/** IF NOT EXISTS asks for the right to create even where there is nothing to create. */
async function prepare(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ schema: boolean; migrations: boolean }>(
    `SELECT to_regnamespace('plangate') IS NOT NULL AS schema,
            to_regclass('plangate.schema_migrations') IS NOT NULL AS migrations`,
  );
  const [exists] = rows;
  if (exists?.schema !== true) await client.query("CREATE SCHEMA plangate");
  if (exists?.migrations !== true) {
    await client.query(`CREATE TABLE plangate.schema_migrations (
      version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
  }
}

type Applied = Map<number, { name: string; checksum: string }>;

async function appliedMigrations(client: PoolClient): Promise<Applied> {
  const { rows } = await client.query<{ version: number; name: string; checksum: string }>(
    "SELECT version, name, checksum FROM plangate.schema_migrations ORDER BY version",
  );
  return new Map(rows.map(({ version, name, checksum }) => [version, { name, checksum }]));
}

function checkApplied(applied: Applied, migrations: readonly SchemaMigration[]): void {
  const known = new Map(migrations.map((migration) => [migration.version, migration]));
  for (const [version, { name, checksum }] of applied) {
    const migration = known.get(version);
    if (migration === undefined) {
      throw new StoreError(
        "schema-newer",
        `The store's schema is newer than this gate: it has ${name}, which this version does not know. Run the gate's newer version.`,
      );
    }
    if (sha256Hex(migration.sql) !== checksum) {
      throw new StoreError(
        "schema-drift",
        `The store was made with another ${name} than this gate has. Run the gate's version that made it, or restore the file.`,
      );
    }
  }
}

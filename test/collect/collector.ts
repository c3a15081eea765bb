import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CollectOptions, collectEvidence } from "../../src/adapters/collect/collect-evidence.ts";
import { parseServerAddress } from "../../src/adapters/servers/server-address.ts";
import { type EvidenceBundle, evidenceBundleSchema } from "../../src/core/evidence/bundle.ts";
import { type PostgresOptions, type PostgresServer, query, startPostgres } from "../support/postgres-server.ts";

/** A server that counts statements, with the role of sql/collector-role.sql. */
export async function startCollected(
  major: PostgresOptions["major"],
  settings: Record<string, string> = {},
): Promise<PostgresServer> {
  const server = await startPostgres({
    major,
    settings: {
      shared_preload_libraries: "pg_stat_statements",
      "pg_stat_statements.track": "all",
      wal_level: "logical",
      ...settings,
    },
  });
  await runFile(server, "../../sql/collector-role.sql");
  return server;
}

export async function runFile(server: PostgresServer, file: string): Promise<void> {
  await query(server.url, readFileSync(join(__dirname, file), "utf8"));
}

export function urlOf(server: PostgresServer, user = "plangate_collector", database = "postgres"): string {
  return `postgresql://${user}@127.0.0.1:${server.port}/${database}`;
}

interface Choice extends CollectOptions {
  name?: string;
  user?: string;
  database?: string;
}

/** What a gate would accept: the bundle as JSON, read by the bundle's schema. */
export async function collectFrom(server: PostgresServer, choice: Choice = {}): Promise<EvidenceBundle> {
  const { name = "node", user, database, ...options } = choice;
  const address = parseServerAddress(`${name}=${urlOf(server, user, database)}`, {});
  return evidenceBundleSchema.parse(JSON.parse(JSON.stringify(await collectEvidence(address, options))));
}

export function scansOf(bundle: EvidenceBundle): Record<string, number> {
  return Object.fromEntries((bundle.indexUsage?.rows ?? []).map(({ index, scans }) => [index, scans]));
}

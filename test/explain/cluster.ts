import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PostgresMajor } from "../support/postgres-binaries.ts";
import { type PostgresServer, query, startPostgres, startStandby, waitForReplay } from "../support/postgres-server.ts";

/** A primary, its streaming replica, and a server for clones: a standby that was promoted, as a restored backup would be. */
export interface Cluster {
  primary: PostgresServer;
  replica: PostgresServer;
  clones: PostgresServer;
  /** URL of a fresh copy of the database, statistics and all. */
  clone(): Promise<string>;
  cleanup(): Promise<void>;
}

const settings = {
  shared_preload_libraries: "pg_stat_statements",
  "pg_stat_statements.track": "all",
  track_functions: "all",
  max_parallel_workers_per_gather: "0",
};

export async function startCluster(major: PostgresMajor): Promise<Cluster> {
  const started: PostgresServer[] = [];
  const cleanup = async () => void (await Promise.all(started.map((server) => server.cleanup())));
  try {
    const primary = await startPostgres({ major, settings });
    started.push(primary);
    // VACUUM must not share a transaction with what is before it.
    const statements = readFileSync(join(__dirname, "schema.sql"), "utf8").split(/^(?=VACUUM)/m);
    for (const statement of statements) await query(primary.url, statement);
    await query(primary.url, readFileSync(join(__dirname, "../../sql/collector-role.sql"), "utf8"));
    const clones = await startStandby(primary);
    started.push(clones);
    await waitForReplay(primary, clones);
    await query(clones.url, "SELECT pg_promote()");
    const replica = await startStandby(primary);
    started.push(replica);
    await waitForReplay(primary, replica);
    let number = 0;
    const clone = async () => {
      const name = `copy_${++number}`;
      await query(clones.url.replace(/postgres$/, "template1"), `CREATE DATABASE ${name} TEMPLATE postgres`);
      return clones.url.replace(/postgres$/, name);
    };
    return { primary, replica, clones, clone, cleanup };
  } catch (error) {
    await cleanup();
    throw error;
  }
}

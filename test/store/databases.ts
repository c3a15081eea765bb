import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, type ClientConfig } from "pg";
import { startEmbeddedPostgres } from "../../src/adapters/embedded/embedded-postgres.ts";
import type { StoreTarget } from "../../src/adapters/store/connection.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";

/** A Postgres for the store, of either kind. */
export interface TestDatabase {
  target: StoreTarget;
  /** Runs SQL past the store, as somebody with a psql would. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  cleanup(): Promise<void>;
}

const onConnectionError = () => {};

export async function realDatabase(): Promise<TestDatabase & { server: PostgresServer }> {
  const server = await startPostgres({ major: 18 });
  const connection = { connectionString: server.url };
  return {
    server,
    target: { connection, maxConnections: 8, onConnectionError },
    query: (sql, values) => query(connection, sql, values),
    cleanup: () => server.cleanup(),
  };
}

export async function embeddedDatabase(): Promise<TestDatabase> {
  const dataDirectory = mkdtempSync(join(tmpdir(), "plangate-store-"));
  const embedded = await startEmbeddedPostgres({ dataDirectory, onDeath: () => {}, onFirstStart: () => {} });
  return {
    target: { connection: embedded.connection, maxConnections: 1, onConnectionError },
    query: (sql, values) => query(embedded.connection, sql, values),
    async cleanup() {
      await embedded.stop();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}

async function query(config: ClientConfig, sql: string, values: unknown[] = []) {
  const client = new Client(config);
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
}

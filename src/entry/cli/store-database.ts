import { existsSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { defaultConfig, loadConfigFile } from "../../adapters/config/config.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../adapters/embedded/embedded-postgres.ts";
import { parseServerAddress } from "../../adapters/servers/server-address.ts";
import { type Database, openDatabase, type StoreTarget } from "../../adapters/store/connection.ts";
import { PlangateError } from "../../core/errors.ts";
import type { CommandIo } from "./io.ts";

export interface StoreDatabaseOptions {
  databaseUrl?: string;
  config?: string;
}

export function withStoreDatabase(command: Command): Command {
  return command
    .option("--database-url <URL>", "the gate's own database; env:VARIABLE where the URL is in an environment variable")
    .option(
      "--config <FILE>",
      "the gate's configuration, for its database (default: plangate.yaml, where there is one)",
    );
}

/** Runs `work` on the gate's own database: the one of the options, of the configuration, or the embedded one, whether or not its gate runs. */
export async function onStoreDatabase<T>(
  { databaseUrl, config }: StoreDatabaseOptions,
  io: CommandIo,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  if (databaseUrl !== undefined && config !== undefined) {
    throw new PlangateError("bad-arguments", "give either --database-url or --config");
  }
  if (databaseUrl !== undefined) {
    return onTarget({ connectionString: parseServerAddress(databaseUrl, io.env, "database").url }, work);
  }
  const { gate, database } = readConfig(config, io);
  if (database !== null) return onTarget({ connectionString: database.url }, work);
  const embedded = await openEmbedded(gate.dataDir);
  try {
    return await onTarget(embedded.connection, work);
  } finally {
    await embedded.stop();
  }
}

function readConfig(file: string | undefined, io: CommandIo) {
  const chosen = path.resolve(io.cwd, file ?? "plangate.yaml");
  return file !== undefined || existsSync(chosen) ? loadConfigFile(chosen, null, io.env) : defaultConfig(io.cwd);
}

async function onTarget<T>(
  connection: StoreTarget["connection"],
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = openDatabase({ connection, maxConnections: 1, onConnectionError: () => {} });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** A gate that runs holds the directory, and its database takes connections on a socket in it. */
async function openEmbedded(dataDirectory: string): Promise<Pick<EmbeddedPostgres, "connection" | "stop">> {
  if (!existsSync(path.join(dataDirectory, "postgres"))) {
    throw new PlangateError(
      "no-store",
      `${dataDirectory}: holds no embedded database of a gate; give --database-url or --config`,
    );
  }
  try {
    return await startEmbeddedPostgres({ dataDirectory, onDeath: () => {}, onFirstStart: () => {} });
  } catch (error) {
    const inUse = error instanceof PlangateError && error.code === "data-directory-in-use";
    if (!inUse || !existsSync(path.join(dataDirectory, ".s.PGSQL.5432"))) throw error;
    const connection = { host: dataDirectory, port: 5432, user: "postgres", database: "postgres" };
    return { connection, stop: async () => {} };
  }
}

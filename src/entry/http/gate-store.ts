import { setTimeout } from "node:timers/promises";
import type { GateConfig } from "../../adapters/config/config.ts";
import { openDatabaseReader } from "../../adapters/databases/database-reader.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../adapters/embedded/embedded-postgres.ts";
import { StoreError } from "../../adapters/store/connection.ts";
import { openStore, type Store, type StoreOptions } from "../../adapters/store/store.ts";
import type { GateEnvironment, OnStop } from "./gate-environment.ts";
import { describeError, type Log } from "./log.ts";
import type { Telemetry } from "./telemetry.ts";

const firstWaitMs = 500;
const longestWaitMs = 10_000;

/** The store, with the embedded server where no other is configured. `patient`: a database that does not answer is waited for. */
export async function openGateStore(
  { database, gate, evidence, audit }: GateConfig,
  { clock, log, onFirstStart }: GateEnvironment,
  onStop: OnStop,
  patient: boolean,
): Promise<{ store: Store; embedded: EmbeddedPostgres | null }> {
  let embedded: EmbeddedPostgres | null = null;
  if (database === null) {
    embedded = await startEmbeddedPostgres({
      dataDirectory: gate.dataDir,
      onDeath: (error) => log.fatal({ error: describeError(error) }, "the embedded database has ended"),
      onFirstStart,
    });
    onStop(embedded.stop);
  }
  const options: StoreOptions = {
    connection: embedded?.connection ?? { connectionString: database?.url ?? "" },
    maxConnections: embedded === null ? 10 : 1,
    onConnectionError: (error) => log.warn({ error: describeError(error) }, "a database connection was lost"),
    clock,
    evidenceRetentionMs: evidence.retentionMs,
    masked: audit.mask,
  };
  const store = await (patient && embedded === null ? openWhenItAnswers(options, log) : openStore(options));
  onStop(() => store.close());
  return { store, embedded };
}

async function openWhenItAnswers(options: StoreOptions, log: Log): Promise<Store> {
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
    try {
      return await openStore(options);
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "store-unavailable")) throw error;
      log.error(
        { error: describeError(error) },
        "the database does not answer; nothing but admission works until it does",
      );
      await setTimeout(waitMs);
    }
  }
}

/** Reads the configured database servers. */
export function readDatabases(
  { databases }: GateConfig,
  store: Store,
  { clock, log }: GateEnvironment,
  telemetry: Telemetry,
  onStop: OnStop,
) {
  const reader = openDatabaseReader(databases, {
    evidence: store.evidence,
    clock,
    onRead({ database, node, error }) {
      telemetry.databaseRead(database, node, error === null ? "ok" : "failed");
      if (error === null) log.info({ database, node }, "evidence read");
      else log.warn({ database, node, error: describeError(error) }, "evidence could not be read");
    },
    onStoreFailure: (error) => log.warn({ error: describeError(error) }, "what was read could not be stored"),
  });
  onStop(() => reader.close());
  telemetry.watchDatabases(() => reader.states());
  return reader;
}

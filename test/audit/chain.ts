import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadGateKeys } from "../../src/adapters/gate-keys.ts";
import { openStore, type Store } from "../../src/adapters/store/store.ts";
import { clockAt, noon, sampleRecord } from "../store/samples.ts";
import { type PostgresServer, query, startPostgres } from "../support/postgres-server.ts";

/** A chain on a PostgreSQL 18: entries 1 to 8, checkpoints over 3 and 6, one file of them. */
export interface SampleChain {
  server: PostgresServer;
  folder: string;
  checkpoints: string;
  publicKey: string;
  /** A copy of the database that a test may spoil. Returns its URL. */
  copy(): Promise<string>;
  cleanup(): Promise<void>;
}

export const entries = 8;

export async function startSampleChain(): Promise<SampleChain> {
  const folder = mkdtempSync(join(tmpdir(), "plangate-audit-"));
  const server = await startPostgres({ major: 18 });
  await query(server.url, "CREATE DATABASE original");
  const checkpoints = join(folder, "checkpoints.txt");
  const store = await openSampleStore(databaseUrl(server, "original"));
  const keys = await loadGateKeys([], folder);
  const maker = await store.openCheckpoints({ keys, gate: "orders-gate", file: checkpoints, clock: clockAt(noon) });
  for (let entry = 1; entry <= entries; entry += 1) {
    await store.decisions.record(sampleRecord({ id: `dec_${entry}` }));
    if (entry % 3 === 0) await maker.make();
  }
  await store.close();
  let copies = 0;
  return {
    server,
    folder,
    checkpoints,
    publicKey: join(folder, "keys/gate.public.pem"),
    async copy() {
      copies += 1;
      await query(server.url, `CREATE DATABASE copy_${copies} TEMPLATE original`);
      return databaseUrl(server, `copy_${copies}`);
    },
    async cleanup() {
      await server.cleanup();
      rmSync(folder, { recursive: true });
    },
  };
}

export function openSampleStore(connectionString: string): Promise<Store> {
  const target = { connection: { connectionString }, maxConnections: 4, onConnectionError: () => {} };
  return openStore({ ...target, clock: clockAt(noon), evidenceRetentionMs: null });
}

export function databaseUrl({ url }: PostgresServer, name: string, user = "postgres"): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  changed.username = user;
  return changed.href;
}

export function writeIn(folder: string, name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

/** PEM form. */
export function newPrivateKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

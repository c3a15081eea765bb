import type { Clock, DecisionStore, EvidenceStore, IdempotencyStore } from "../../app/ports.ts";
import { type AdmissionStore, admissionStore } from "./admissions.ts";
import { type CheckpointMaker, type CheckpointOptions, openCheckpoints } from "./audit-checkpoints.ts";
import type { MaskablePath } from "./audit-mask.ts";
import { type Database, openDatabase, StoreError, type StoreTarget } from "./connection.ts";
import { decisionStore } from "./decisions.ts";
import { evidenceStore } from "./evidence.ts";
import { idempotencyStore } from "./idempotency.ts";
import { migrateStore } from "./migrate.ts";
import { type NotificationStore, notificationStore } from "./notifications.ts";

export interface Store {
  decisions: DecisionStore;
  admissions: AdmissionStore;
  evidence: EvidenceStore;
  idempotency: IdempotencyStore;
  notifications: NotificationStore;
  /** Throws StoreError when the database does not answer. */
  ping(): Promise<void>;
  /** Throws PlangateError where the checkpoint file cannot be used. */
  openCheckpoints(options: CheckpointOptions): Promise<CheckpointMaker>;
  /** Deletes evidence past its retention and forgotten idempotency keys. */
  prune(): Promise<void>;
  /** Waits for what is running. */
  close(): Promise<void>;
}

export interface StoreOptions extends StoreTarget {
  clock: Clock;
  /** null: evidence is kept for ever. */
  evidenceRetentionMs: number | null;
  /** Texts of requests that are not stored, beside the secrets that never are. */
  masked?: readonly MaskablePath[];
}

/** Connects, brings the schema up to date, and gives the ports. Throws StoreError. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const database = openDatabase(options);
  try {
    await migrateStore(database);
  } catch (error) {
    await database.close();
    throw error instanceof StoreError ? withReason(error) : error;
  }
  return storeOn(database, options);
}

/** Whoever starts a gate needs the driver's own words (which hold no password); clients of a running one do not get them. */
function withReason(error: StoreError): StoreError {
  if (!(error.cause instanceof Error) || error.cause.message === "") return error;
  return new StoreError(error.code, `${error.message}: ${error.cause.message}`, { cause: error.cause });
}

function storeOn(database: Database, { clock, evidenceRetentionMs, masked = [] }: StoreOptions): Store {
  const evidence = evidenceStore(database, clock, evidenceRetentionMs);
  const idempotency = idempotencyStore(database, clock);
  return {
    decisions: decisionStore(database, clock, masked),
    admissions: admissionStore(database, clock),
    evidence,
    idempotency,
    notifications: notificationStore(database),
    ping: () => database.transaction(async (client) => void (await client.query("SELECT 1"))),
    openCheckpoints: (options) => openCheckpoints(database, options),
    async prune() {
      await evidence.forgetExpired();
      await idempotency.forgetExpired();
    },
    close: () => database.close(),
  };
}

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../../app/ports.ts";
import { readSettled, watchFiles } from "../watch-files.ts";
import type { Revoked } from "./approvers.ts";

export interface RevocationOptions {
  /** plangate.yaml; null: there is none, and what was revoked at the start stays. */
  file: string | null;
  initial: Revoked;
  /** Throws where the file is not a valid configuration. */
  load(content: Uint8Array): Revoked;
  clock: Clock;
  onEvent(event: RevocationEvent): void;
}

export type RevocationEvent =
  | { kind: "reloaded"; revoked: Revoked }
  /** What was revoked stays so. */
  | { kind: "broken"; error: unknown; staleSince: Date }
  /** Changes are noticed by looking now and then only. */
  | { kind: "not-watched"; error: unknown };

export interface Revocations {
  /** `staleSince`: the file has been broken since then, and nobody knows what was revoked in it. */
  current(): { revoked: Revoked; staleSince: Date | null };
  /** Reads the file again even if nothing seems to have changed. Never throws; what happened is an event. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** Reads `revoked` again whenever plangate.yaml changes: what is lost must not wait for a restart. */
export function watchRevocations({ file, initial, load, clock, onEvent }: RevocationOptions): Revocations {
  let state: ReturnType<Revocations["current"]> = { revoked: initial, staleSince: null };
  if (file === null) return { current: () => state, reload: async () => {}, close: async () => {} };
  let seen: string | null = null;
  const look = async (always: boolean): Promise<void> => {
    const reading = await readSettled(() => readFile(file), fingerprintOf);
    if (reading.fingerprint === seen && !always) return;
    seen = reading.fingerprint;
    try {
      if ("error" in reading) throw reading.error;
      state = { revoked: load(reading.content), staleSince: null };
      onEvent({ kind: "reloaded", revoked: state.revoked });
    } catch (error) {
      const staleSince = state.staleSince ?? clock.now();
      state = { ...state, staleSince };
      onEvent({ kind: "broken", error, staleSince });
    }
  };
  const watching = watchFiles({
    directories: [path.dirname(file)],
    look,
    onNotWatched: (error) => onEvent({ kind: "not-watched", error }),
  });
  return { current: () => state, reload: () => watching.lookNow(), close: () => watching.close() };
}

function fingerprintOf(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

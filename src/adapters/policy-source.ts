import { createHash } from "node:crypto";
import type { Clock, PolicySource } from "../app/ports.ts";
import type { SourceFile } from "../core/policy/document-error.ts";
import type { PolicySet } from "../core/policy/policy.ts";
import { readSettled, watchFiles } from "./watch-files.ts";

export interface PolicySourceOptions {
  directory: string;
  /** The files of the directory; throws where they cannot be read. */
  read(): Promise<readonly SourceFile[]>;
  /** Throws where they are not a valid set. */
  load(files: readonly SourceFile[]): PolicySet;
  clock: Clock;
  onEvent(event: PolicyEvent): void;
}

export type PolicyEvent =
  | { kind: "reloaded"; set: PolicySet; changed: boolean }
  /** The last good set stays in force. */
  | { kind: "broken"; error: unknown; staleSince: Date }
  /** Changes are noticed by looking now and then only. */
  | { kind: "not-watched"; error: unknown };

export interface WatchedPolicySource extends PolicySource {
  /** Reads the files again even if nothing seems to have changed. Never throws; what happened is an event. */
  reload(): Promise<void>;
  lastReload(): Date;
  close(): Promise<void>;
}

/** Loads the directory's policies, and again whenever its files change. Throws what `read` and `load` throw the first time. */
export async function watchPolicies(options: PolicySourceOptions): Promise<WatchedPolicySource> {
  const { directory, read, clock, load, onEvent } = options;
  const first = await readSettled(read, fingerprintOf);
  if ("error" in first) throw first.error;
  let state: ReturnType<PolicySource["current"]> = { set: load(first.content), staleSince: null };
  let seen = first.fingerprint;
  let lastReload = clock.now();

  const look = async (always: boolean): Promise<void> => {
    const reading = await readSettled(read, fingerprintOf);
    if (reading.fingerprint === seen && !always) return;
    seen = reading.fingerprint;
    try {
      if ("error" in reading) throw reading.error;
      const set = load(reading.content);
      const changed = set.digest !== state.set.digest || state.staleSince !== null;
      state = { set, staleSince: null };
      lastReload = clock.now();
      onEvent({ kind: "reloaded", set, changed });
    } catch (error) {
      const staleSince = state.staleSince ?? clock.now();
      state = { ...state, staleSince };
      onEvent({ kind: "broken", error, staleSince });
    }
  };
  const watching = watchFiles({
    directories: [directory],
    look,
    onNotWatched: (error) => onEvent({ kind: "not-watched", error }),
  });
  return {
    current: () => state,
    reload: () => watching.lookNow(),
    lastReload: () => lastReload,
    close: () => watching.close(),
  };
}

function fingerprintOf(files: readonly SourceFile[]): string {
  const parts = files.map(({ path, content }) => `${path}\0${createHash("sha256").update(content).digest("hex")}`);
  return parts.sort().join("\n");
}

import { createHash } from "node:crypto";
import { type FSWatcher, watch } from "node:fs";
import type { Clock, PolicySource } from "../app/ports.ts";
import type { SourceFile } from "../core/policy/document-error.ts";
import type { PolicySet } from "../core/policy/policy.ts";

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

/** Editors write a file in several steps. */
const debounceMs = 200;
/** Watching misses some things: calendars in folders, a directory that is replaced, network file systems. */
const lookAgainMs = 5_000;
/** A Kubernetes mount or a checkout can change between two files. */
const readAttempts = 5;

/** Loads the directory's policies, and again whenever its files change. Throws what `read` and `load` throw the first time. */
export async function watchPolicies(options: PolicySourceOptions): Promise<WatchedPolicySource> {
  const { clock, load, onEvent } = options;
  const first = await readSettled(options);
  if ("error" in first) throw first.error;
  let state: ReturnType<PolicySource["current"]> = { set: load(first.files), staleSince: null };
  let seen = first.fingerprint;
  let lastReload = clock.now();

  const look = async (always: boolean): Promise<void> => {
    const reading = await readSettled(options);
    if (reading.fingerprint === seen && !always) return;
    seen = reading.fingerprint;
    try {
      if ("error" in reading) throw reading.error;
      const set = load(reading.files);
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
  let queue = Promise.resolve();
  const enqueue = (always: boolean) => {
    queue = queue.then(() => look(always));
    return queue;
  };

  const watching = watchDirectory(options, () => enqueue(false));
  const timer = setInterval(() => enqueue(false), lookAgainMs);
  timer.unref();
  return {
    current: () => state,
    reload: () => enqueue(true),
    lastReload: () => lastReload,
    async close() {
      clearInterval(timer);
      watching.close();
      await queue;
    },
  };
}

function watchDirectory({ directory, onEvent }: PolicySourceOptions, onChange: () => void): { close(): void } {
  let pending: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(directory, { persistent: false }, () => {
      clearTimeout(pending);
      pending = setTimeout(onChange, debounceMs).unref();
    });
    watcher.on("error", (error) => onEvent({ kind: "not-watched", error }));
  } catch (error) {
    onEvent({ kind: "not-watched", error });
  }
  return {
    close() {
      clearTimeout(pending);
      watcher?.close();
    },
  };
}

type Reading = { fingerprint: string } & ({ files: readonly SourceFile[] } | { error: unknown });

/** Reads until two readings agree, so that the files belong together. */
async function readSettled(options: PolicySourceOptions): Promise<Reading> {
  let reading = await readOnce(options);
  for (let attempt = 1; attempt < readAttempts; attempt += 1) {
    const again = await readOnce(options);
    if (again.fingerprint === reading.fingerprint) return again;
    reading = again;
  }
  return reading;
}

async function readOnce({ read }: PolicySourceOptions): Promise<Reading> {
  try {
    const files = await read();
    const parts = files.map(({ path, content }) => `${path}\0${createHash("sha256").update(content).digest("hex")}`);
    return { files, fingerprint: parts.sort().join("\n") };
  } catch (error) {
    return { error, fingerprint: "unreadable" };
  }
}

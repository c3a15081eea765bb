import { type FSWatcher, watch } from "node:fs";

export interface FileWatchOptions {
  directories: readonly string[];
  /** Called one at a time. `always`: somebody asked, so look closely even if nothing seems to have changed. Never throws. */
  look(always: boolean): Promise<void>;
  /** Changes are noticed by looking now and then only. */
  onNotWatched(error: unknown): void;
}

export interface FileWatch {
  lookNow(): Promise<void>;
  close(): Promise<void>;
}

/** Editors write a file in several steps. */
const debounceMs = 200;
/** Watching misses some things: files in other folders, a directory that is replaced, network file systems. */
const lookAgainMs = 5_000;
/** A Kubernetes mount or a checkout can change between two files. */
const readAttempts = 5;

/** Looks whenever something in the directories changes, and every few seconds. */
export function watchFiles({ directories, look, onNotWatched }: FileWatchOptions): FileWatch {
  let queue = Promise.resolve();
  const enqueue = (always: boolean) => {
    queue = queue.then(() => look(always));
    return queue;
  };
  let pending: NodeJS.Timeout | undefined;
  const onChange = () => {
    clearTimeout(pending);
    pending = setTimeout(() => enqueue(false), debounceMs).unref();
  };
  const watchers = [...new Set(directories)].map((directory) => watchDirectory(directory, onChange, onNotWatched));
  const timer = setInterval(() => enqueue(false), lookAgainMs).unref();
  return {
    lookNow: () => enqueue(true),
    async close() {
      clearInterval(timer);
      clearTimeout(pending);
      for (const watcher of watchers) watcher?.close();
      await queue;
    },
  };
}

function watchDirectory(
  directory: string,
  onChange: () => void,
  onNotWatched: (error: unknown) => void,
): FSWatcher | null {
  try {
    return watch(directory, { persistent: false }, onChange).on("error", onNotWatched);
  } catch (error) {
    onNotWatched(error);
    return null;
  }
}

/** Equal fingerprints: the same content. Everything that cannot be read has one fingerprint. */
export type Reading<Content> = { fingerprint: string } & ({ content: Content } | { error: unknown });

/** Reads until two readings agree, so that files which are read together belong together. */
export async function readSettled<Content>(
  read: () => Promise<Content>,
  fingerprintOf: (content: Content) => string,
): Promise<Reading<Content>> {
  const readOnce = async (): Promise<Reading<Content>> => {
    try {
      const content = await read();
      return { content, fingerprint: fingerprintOf(content) };
    } catch (error) {
      return { error, fingerprint: "unreadable" };
    }
  };
  let reading = await readOnce();
  for (let attempt = 1; attempt < readAttempts; attempt += 1) {
    const again = await readOnce();
    if (again.fingerprint === reading.fingerprint) return again;
    reading = again;
  }
  return reading;
}

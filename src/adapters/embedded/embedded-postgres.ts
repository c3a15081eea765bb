import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { PlangateError } from "../../core/errors.ts";
import { lockDirectory } from "../directory-lock.ts";
import { type WorkerInput, type WorkerMessage, workerSource } from "./worker.ts";

export interface EmbeddedPostgres {
  /** For `pg`. The socket is inside a folder that only this user may enter. */
  connection: { host: string; port: number; user: string; database: string };
  /** false once the thread that runs it has ended, in whatever way. */
  isAlive(): boolean;
  /** Flushes, ends the thread, gives the data directory free. May be called twice. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Made if absent. Holds the database in `postgres/`, and the lock. */
  dataDirectory: string;
  /** Told when the database dies by itself. */
  onDeath: (error: Error) => void;
  /** Told once before the first start makes a database, which takes seconds. */
  onFirstStart: () => void;
}

/** sun_path of a Unix socket address holds 104 to 108 bytes (unix(7)). */
const longestSocketPath = 100;

/** Starts Postgres inside this process, on a thread of its own: it blocks its thread while it works. Throws PlangateError. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const directory = resolve(options.dataDirectory);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new PlangateError("data-directory", `The data directory ${directory} cannot be made`, { cause });
  }
  const lock = await lockDirectory(directory, (holder) => inUse(directory, holder));
  try {
    const dataDirectory = join(directory, "postgres");
    if (!existsSync(dataDirectory)) options.onFirstStart();
    return await startWorker(directory, dataDirectory, options.onDeath, () => lock.release());
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function startWorker(
  directory: string,
  dataDirectory: string,
  onDeath: (error: Error) => void,
  release: () => void,
): Promise<EmbeddedPostgres> {
  const socket = prepareSocket(directory);
  const input: WorkerInput = {
    pglite: require.resolve("@electric-sql/pglite"),
    pgliteSocket: require.resolve("@electric-sql/pglite-socket"),
    dataDirectory,
    socketPath: socket === null ? null : join(socket, ".s.PGSQL.5432"),
    maxConnections: 16,
  };
  const worker = new Worker(workerSource, { eval: true, workerData: input, name: "embedded-postgres" });
  const removeSocket = () => {
    if (socket !== null && socket !== directory) rmSync(socket, { recursive: true, force: true });
  };
  const port = await listening(worker).catch((error: unknown) => {
    removeSocket();
    throw error;
  });
  let alive = true;
  let stopping: Promise<void> | null = null;
  let failure: Error | null = null;
  const exited = new Promise<void>((done) => worker.once("exit", () => done()));
  worker.on("error", (error) => {
    failure = error;
  });
  worker.once("exit", (code) => {
    alive = false;
    if (stopping !== null) return;
    onDeath(failure ?? new PlangateError("embedded-postgres", `The embedded Postgres ended with code ${code}`));
  });
  const stop = async () => {
    if (alive) worker.postMessage("stop");
    await exited;
    removeSocket();
    release();
  };
  return {
    connection: { host: socket ?? "127.0.0.1", port: port ?? 5432, user: "postgres", database: "postgres" },
    isAlive: () => alive,
    stop: () => (stopping ??= stop()),
  };
}

/** The folder for the Unix socket; null where there are no Unix sockets. */
function prepareSocket(directory: string): string | null {
  if (process.platform === "win32") return null;
  const name = ".s.PGSQL.5432";
  if (Buffer.byteLength(join(directory, name)) > longestSocketPath) return mkdtempSync(join(tmpdir(), "plangate-"));
  rmSync(join(directory, name), { force: true });
  return directory;
}

function listening(worker: Worker): Promise<number | null> {
  return new Promise((done, fail) => {
    const failed = (cause: unknown) =>
      fail(new PlangateError("embedded-postgres", "The embedded Postgres did not start", { cause }));
    worker.once("error", failed);
    worker.once("exit", failed);
    worker.once("message", (message: WorkerMessage) => {
      worker.off("error", failed);
      worker.off("exit", failed);
      if (message.kind === "listening") done(message.port);
      else {
        void worker.terminate();
        failed(message.kind === "failed" ? message.error : message.kind);
      }
    });
  });
}

function inUse(directory: string, holder: string): PlangateError {
  return new PlangateError(
    "data-directory-in-use",
    `The data directory ${directory} is in use by ${holder}. Stop that gate, or start this one with another --data-dir.`,
  );
}

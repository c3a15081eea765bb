import type { MessagePort } from "node:worker_threads";

export interface WorkerInput {
  /** Resolved paths of the two packages, which stay outside the bundle. */
  pglite: string;
  pgliteSocket: string;
  dataDirectory: string;
  /** Of the Unix socket; null: a free port on 127.0.0.1. */
  socketPath: string | null;
  maxConnections: number;
}

export type WorkerMessage =
  | { kind: "listening"; port: number | null }
  | { kind: "failed"; error: unknown }
  | { kind: "stopped" };

/**
 * Runs in the worker thread. Its source text is what the thread is started with (see `workerSource`), so it may use nothing
 * but its parameters and globals.
 */
async function runWorker(load: NodeJS.Require): Promise<void> {
  const { workerData, parentPort } = load("node:worker_threads") as {
    workerData: WorkerInput;
    parentPort: MessagePort;
  };
  const { PGlite } = load(workerData.pglite) as typeof import("@electric-sql/pglite");
  const { PGLiteSocketServer } = load(workerData.pgliteSocket) as typeof import("@electric-sql/pglite-socket");
  const { existsSync, renameSync, rmSync } = load("node:fs") as typeof import("node:fs");
  const { dataDirectory } = workerData;
  try {
    if (!existsSync(dataDirectory)) {
      // Made beside its place and moved there whole: a process that is killed meanwhile leaves nothing that looks like a database.
      const unfinished = `${dataDirectory}.new`;
      rmSync(unfinished, { recursive: true, force: true });
      await (await PGlite.create({ dataDir: unfinished })).close();
      renameSync(unfinished, dataDirectory);
    }
    const db = await PGlite.create({ dataDir: dataDirectory });
    const address = workerData.socketPath === null ? { host: "127.0.0.1", port: 0 } : { path: workerData.socketPath };
    const server = new PGLiteSocketServer({ db, ...address, maxConnections: workerData.maxConnections });
    await server.start();
    parentPort.once("message", async () => {
      await server.stop();
      await db.close();
      parentPort.postMessage({ kind: "stopped" });
      parentPort.close();
    });
    const port = workerData.socketPath === null ? Number(server.getServerConn().split(":")[1]) : null;
    parentPort.postMessage({ kind: "listening", port });
  } catch (error) {
    parentPort.postMessage({ kind: "failed", error });
  }
}

export const workerSource = `(${runWorker.toString()})(require)`;

/**
 * Real PostgreSQL servers for tests: `startPostgres` and `startStandby`.
 *
 * Each server has its own data directory under the system's temporary folder and listens on a free port of 127.0.0.1 only (user `postgres`,
 * no password). A reaper process stops it and removes the directory when the test process ends in whatever way, SIGKILL included.
 */
import { execFile, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import { isOpenToEveryone, linkTree, nativeDirectory, type PostgresMajor } from "./postgres-binaries.ts";

export interface PostgresServer {
  readonly major: PostgresMajor;
  /** `postgresql://postgres@127.0.0.1:PORT/postgres` */
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** Stops the server; the data stays. `immediate` is a crash: the next start recovers. */
  stop(mode?: "fast" | "immediate"): Promise<void>;
  /** Starts it again, on the same port; stops it first (fast) if it runs. */
  restart(): Promise<void>;
  /** SIGKILL to the postmaster. Its children notice and end; `restart` waits for them. */
  kill9(): Promise<void>;
  /** Stops the server and removes everything. May be called twice. */
  cleanup(): Promise<void>;
}

export interface PostgresOptions {
  major: PostgresMajor;
  /** Lines of postgresql.conf: `{ shared_preload_libraries: "pg_stat_statements" }`. */
  settings?: Readonly<Record<string, string>>;
  initdbArgs?: readonly string[];
}

const run = promisify(execFile);

/** PostgreSQL refuses to run as root. */
const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

const testSettings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  fsync: "off",
  shared_buffers: "32MB",
  max_connections: "40",
  log_line_prefix: "%m [%p] ",
};

export async function startPostgres({
  major,
  settings = {},
  initdbArgs = [],
}: PostgresOptions): Promise<PostgresServer> {
  const folder = newFolder(major);
  try {
    const initdb = [
      "-D",
      folder.dataDir,
      "-U",
      "postgres",
      "--auth=trust",
      "--no-locale",
      "--encoding=UTF8",
      "--no-sync",
      ...initdbArgs,
    ];
    await folder.program("initdb", initdb);
    writeSettings(folder.dataDir, { ...testSettings, ...settings });
    return await serve(folder);
  } catch (error) {
    folder.remove();
    throw error;
  }
}

/**
 * A streaming standby of `primary`: the primary is stopped, its data directory copied, and both are started. Returns when the
 * primary reports the standby as streaming.
 */
export async function startStandby(primary: PostgresServer): Promise<PostgresServer> {
  const folder = newFolder(primary.major);
  try {
    await primary.stop();
    cpSync(primary.dataDir, folder.dataDir, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    await primary.restart();
    writeFileSync(join(folder.dataDir, "standby.signal"), "");
    const name = `standby_${process.pid}_${Math.floor(Math.random() * 1e9)}`;
    writeSettings(folder.dataDir, {
      primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres application_name=${name}`,
      hot_standby: "on",
    });
    if (nobody.uid !== undefined) await run("chown", ["-R", `${nobody.uid}:${nobody.gid}`, folder.dataDir]);
    const standby = await serve(folder);
    await until(`${name} streams`, async () => {
      const streaming = "SELECT 1 FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming'";
      return (await query(primary.url, streaming, [name])).length === 1;
    });
    return standby;
  } catch (error) {
    folder.remove();
    throw error;
  }
}

/** Waits until the standby has replayed everything that the primary has written so far. */
export async function waitForReplay(primary: PostgresServer, standby: PostgresServer): Promise<void> {
  const [row] = await query(primary.url, "SELECT pg_current_wal_lsn()::text AS lsn", []);
  await until("the standby has caught up", async () => {
    const [state] = await query(standby.url, "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS done", [row?.lsn]);
    return state?.done === true;
  });
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
}

interface Folder {
  readonly major: PostgresMajor;
  readonly dataDir: string;
  readonly logFile: string;
  program(name: "initdb" | "pg_ctl", args: readonly string[]): Promise<void>;
  remove(): void;
}

function newFolder(major: PostgresMajor): Folder {
  const base = mkdtempSync(join(tmpdir(), `plangate-postgres-${major}-`));
  const dataDir = join(base, "data");
  const logFile = join(base, "server.log");
  const reaper = spawn(process.execPath, ["-e", reaperScript, base, dataDir], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  reaper.unref();
  if (reaper.stdin instanceof Socket) reaper.stdin.unref();
  let native = nativeDirectory(major);
  if (nobody.uid !== undefined) {
    chmodSync(base, 0o755);
    if (!isOpenToEveryone(native)) {
      linkTree(native, join(base, "native"));
      native = join(base, "native");
    }
    chownSync(base, nobody.uid, nobody.gid);
  }
  return {
    major,
    dataDir,
    logFile,
    async program(name, args) {
      const environment = { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" };
      await run(join(native, "bin", name), args, { ...nobody, cwd: base, env: environment, maxBuffer: 1 << 24 });
    },
    remove() {
      rmSync(base, { recursive: true, force: true, maxRetries: 5 });
      reaper.stdin?.end();
    },
  };
}

/** Its standard input ends when the test process ends. Signals that go to the terminal's process group do not reach it. */
const reaperScript = `
const { readFileSync, rmSync } = require("node:fs");
const [base, dataDir] = process.argv.slice(1);
process.stdin.resume().on("end", () => {
  try { process.kill(Number(readFileSync(dataDir + "/postmaster.pid", "utf8").split("\\n")[0]), "SIGQUIT"); }
  catch (error) { if (error.code !== "ENOENT" && error.code !== "ESRCH") throw error; }
  setTimeout(() => rmSync(base, { recursive: true, force: true, maxRetries: 5 }), 500);
});`;

async function serve(folder: Folder): Promise<PostgresServer> {
  const { major, dataDir } = folder;
  const port = await startOnFreePort(folder);
  const running = () => existsSync(join(dataDir, "postmaster.pid"));
  const stop = async (mode = "fast") => {
    if (running()) await folder.program("pg_ctl", ["-D", dataDir, "-m", mode, "-w", "-t", "60", "stop"]);
  };
  let killed = false;
  return {
    major,
    dataDir,
    port,
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    stop,
    async restart() {
      if (!killed) await stop();
      await (killed ? startAfterKill(folder) : start(folder));
      killed = false;
    },
    async kill9() {
      process.kill(postmasterPid(dataDir), "SIGKILL");
      killed = true;
    },
    async cleanup() {
      try {
        if (running() && !killed) await stop("immediate");
      } finally {
        folder.remove();
      }
    },
  };
}

/** The children hold the shared memory for a moment, and the server refuses to start. */
async function startAfterKill(folder: Folder): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await start(folder);
      return;
    } catch (error) {
      if (attempt === 20) throw error;
      await sleep(250);
    }
  }
}

function postmasterPid(dataDir: string): number {
  return Number.parseInt(readFileSync(join(dataDir, "postmaster.pid"), "utf8"), 10);
}

async function startOnFreePort(folder: Folder): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    writeSettings(folder.dataDir, { port: String(port) });
    try {
      await start(folder);
      return port;
    } catch (error) {
      // Another process may have taken the port in between.
      if (attempt === 5) throw error;
    }
  }
}

async function start(folder: Folder): Promise<void> {
  try {
    await folder.program("pg_ctl", ["-D", folder.dataDir, "-l", folder.logFile, "-w", "-t", "60", "start"]);
  } catch (error) {
    const log = existsSync(folder.logFile) ? readFileSync(folder.logFile, "utf8").slice(-2000) : "(no log)";
    throw new Error(`PostgreSQL ${folder.major} did not start:\n${log}`, { cause: error });
  }
}

/** Later lines win. */
function writeSettings(dataDir: string, settings: Readonly<Record<string, string>>): void {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`);
  appendFileSync(join(dataDir, "postgresql.conf"), lines.join(""));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await done()) return;
    await sleep(200);
  }
  throw new Error(`Waited in vain until ${what}`);
}

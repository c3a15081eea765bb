import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildSync } from "esbuild";
import type { SpoolEvent } from "../../src/adapters/admission-spool/spool-event.ts";
import type { AdmissionRecord } from "../../src/app/ports.ts";
import type { Command, Message, Outcome } from "./spool-program.ts";

export interface SpoolProcess {
  readonly pid: number;
  /** Whether the spool could be opened. */
  opened(): Promise<Outcome>;
  record(records: readonly AdmissionRecord[]): Promise<Outcome[]>;
  /** Records without end, with ids that begin with `prefix`. */
  recordForever(prefix: string, sample: AdmissionRecord): void;
  /** The ids of `recordForever` that are recorded by now. */
  recorded(): readonly string[];
  check(): Promise<Outcome>;
  backlog(): Promise<{ bytes: number; records: number }>;
  drainTo(url: string): Promise<void>;
  close(): Promise<void>;
  events(): readonly SpoolEvent[];
  until(happened: (event: SpoolEvent) => boolean): Promise<void>;
  /** The longest file that it may write, as a disk that is full would be: a write goes on to there, and then fails. null: any. */
  limitFileSize(bytes: number | null): void;
  kill9(): Promise<void>;
}

export interface SpoolProcessOptions {
  maxBytes?: number;
  closeWithinMs?: number;
  /** As a user whom permissions hold back. */
  asNobody?: boolean;
}

const running = new Set<ChildProcess>();
const folders: string[] = [];
let program: string | null = null;

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "plangate-spool-"));
  chmodSync(folder, 0o755);
  folders.push(folder);
  return folder;
}

/** For afterEach. */
export async function cleanup(): Promise<void> {
  for (const child of running) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  program = null;
}

export const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

export function startSpool(directory: string, options: SpoolProcessOptions = {}): SpoolProcess {
  const { maxBytes = "", closeWithinMs = "", asNobody = false } = options;
  const child = fork(builtProgram(), [directory, String(maxBytes), String(closeWithinMs)], {
    ...(asNobody ? nobody : {}),
    stdio: "inherit",
  });
  running.add(child);
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  child.on("message", (message: Message) => {
    messages.push(message);
    wake();
  });
  child.once("exit", () => {
    running.delete(child);
    wake();
  });
  const wait = <T>(find: () => T | undefined) =>
    new Promise<T>((resolve, reject) => {
      const look = () => {
        const found = find();
        if (found === undefined && running.has(child)) return;
        waiting.delete(look);
        if (found === undefined) reject(new Error("the process has ended"));
        else resolve(found);
      };
      waiting.add(look);
      look();
    });
  let last = 0;
  const tell = async <T>(command: Command): Promise<T> => {
    last += 1;
    const number = last;
    child.send({ number, command });
    const answer = await wait(() => messages.find((message) => message.kind === "answer" && message.number === number));
    // The program of this folder answers as its commands say.
    return (answer as { value: T }).value;
  };
  const events = () => messages.flatMap((message) => (message.kind === "event" ? message.event : []));
  return {
    pid: child.pid ?? 0,
    async opened() {
      const message = await wait(() => messages.find(({ kind }) => kind === "opened"));
      return message.kind === "opened" ? message.outcome : null;
    },
    record: (records) => tell({ do: "record", records: [...records] }),
    recordForever: (prefix, sample) =>
      void child.send({ number: 0, command: { do: "record-forever", prefix, sample } }),
    recorded: () => messages.flatMap((message) => (message.kind === "recorded" ? message.id : [])),
    check: () => tell({ do: "check" }),
    backlog: () => tell({ do: "backlog" }),
    drainTo: (url) => tell({ do: "drain", url }),
    close: () => tell({ do: "close" }),
    events,
    until: async (happened) => void (await wait(() => events().find(happened))),
    limitFileSize(bytes) {
      // The hard limit stays, so that no right is needed to lift it again.
      execFileSync("prlimit", ["--pid", String(child.pid), `--fsize=${bytes ?? "unlimited"}:`]);
    },
    async kill9() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Write calls that the process has made: proc(5). */
export function writesOf({ pid }: SpoolProcess): number {
  return Number(/^syscw: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1]);
}

export async function until(done: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await done())) await sleep(50);
}

function builtProgram(): string {
  if (program !== null) return program;
  const outfile = join(newFolder(), "spool-program.js");
  buildSync({
    entryPoints: [join(__dirname, "spool-program.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["pg-native"],
    loader: { ".sql": "text" },
  });
  program = outfile;
  return outfile;
}

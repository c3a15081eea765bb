import { randomUUID } from "node:crypto";
import { closeSync, linkSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

const holderSchema = z.object({ pid: z.number().int(), host: z.string(), started: z.string().nullable() });
type Holder = z.infer<typeof holderSchema>;

const heartbeatMs = 10_000;
/** A holder on another host cannot be asked; its lock is stale when its heartbeat has stopped for so long. */
const foreignStaleMs = 60_000;
const takeoverMs = 10_000;

export interface DirectoryLock {
  release(): void;
}

/**
 * Makes this process the only gate on `directory`. A lock that a killed process left behind is taken over; for a live one what `inUse`
 * makes of its holder ("the gate with process id 12 on host-a") is thrown. Throws the file system's errors too.
 */
export async function lockDirectory(directory: string, inUse: (holder: string) => Error): Promise<DirectoryLock> {
  const lock = join(directory, "gate.lock");
  const own = join(directory, `gate.lock.${randomUUID()}`);
  const me: Holder = { pid: process.pid, host: hostname(), started: processStart(process.pid) };
  writeFileSync(own, JSON.stringify(me), { mode: 0o600 });
  try {
    while (!tryLink(own, lock)) {
      const holder = readHolder(lock);
      if (holder !== null && isAlive(holder, lock)) throw inUse(nameOf(holder));
      if (!takeOver(lock)) await sleep(100);
    }
  } finally {
    rmSync(own, { force: true });
  }
  const heartbeat = setInterval(() => touch(lock), heartbeatMs);
  heartbeat.unref();
  return {
    release() {
      clearInterval(heartbeat);
      rmSync(lock, { force: true });
    },
  };
}

function tryLink(own: string, lock: string): boolean {
  try {
    linkSync(own, lock);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** Removes a stale lock. Only one process at a time may, or two would each remove the other's new lock. */
function takeOver(lock: string): boolean {
  const guard = `${lock}.takeover`;
  try {
    closeSync(openSync(guard, "wx", 0o600));
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
    if (ageOf(guard) > takeoverMs) rmSync(guard, { force: true });
    return false;
  }
  try {
    const holder = readHolder(lock);
    if (holder === null || !isAlive(holder, lock)) rmSync(lock, { force: true });
    return true;
  } finally {
    rmSync(guard, { force: true });
  }
}

/** null: there is no lock, or nothing that a gate wrote. */
function readHolder(lock: string): Holder | null {
  let text: string;
  try {
    text = readFileSync(lock, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
  try {
    return holderSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isAlive(holder: Holder, lock: string): boolean {
  if (holder.host !== hostname()) return ageOf(lock) < foreignStaleMs;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (errorCode(error) === "ESRCH") return false;
  }
  // A process that started at another time has only inherited the number.
  const started = processStart(holder.pid);
  return started === null || holder.started === null || started === holder.started;
}

/** When the process started, in clock ticks since boot, with the boot's id (proc(5)); null where there is no /proc. */
function processStart(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses and may hold spaces; starttime is field 22.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return ticks === undefined ? null : `${boot}/${ticks}`;
  } catch {
    return null; // not Linux, or the process is gone
  }
}

function ageOf(file: string): number {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? Number.POSITIVE_INFINITY : Date.now() - stat.mtimeMs;
}

function touch(file: string): void {
  const now = new Date();
  try {
    utimesSync(file, now, now);
  } catch (error) {
    // The directory was removed under a running gate; the database will complain for itself.
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

function nameOf({ pid, host }: Holder): string {
  return `the gate with process id ${pid}${host === hostname() ? "" : ` on ${host}`}`;
}

function errorCode(error: unknown): string | undefined {
  // Node's file system errors carry a code.
  return (error as NodeJS.ErrnoException).code;
}

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type PostgresServer, query } from "../test/support/postgres-server.ts";
import type { GateProcess } from "./gates.ts";

export interface Fault {
  name: string;
  /** What /readyz must say while it lasts; null: either. */
  ready: boolean | null;
  begin(): Promise<void>;
  end(): Promise<void>;
  lastsMs: number;
}

export function faults(server: PostgresServer, [first]: readonly GateProcess[]): Fault[] {
  const superuser = (sql: string) => query(server.url, sql).then(() => {});
  return [
    {
      name: "stopped and started",
      ready: false,
      begin: () => server.stop("fast"),
      end: () => server.restart(),
      lastsMs: 3_000,
    },
    {
      name: "crashed",
      ready: false,
      begin: () => server.stop("immediate"),
      end: () => server.restart(),
      lastsMs: 3_000,
    },
    { name: "killed with -9", ready: false, begin: () => server.kill9(), end: () => server.restart(), lastsMs: 3_000 },
    { name: "restarted", ready: null, begin: () => server.restart(), end: async () => {}, lastsMs: 0 },
    {
      name: "slow: 100 ms for each commit",
      ready: true,
      begin: () => setCommitDelay(superuser, 100_000),
      end: () => setCommitDelay(superuser, 0),
      lastsMs: 4_000,
    },
    {
      // 8 s are longer than gates wait for a lock (5 s), and shorter than for a statement (10 s).
      name: "frozen (SIGSTOP)",
      ready: null,
      begin: async () => signal(server, "SIGSTOP"),
      end: async () => signal(server, "SIGCONT"),
      lastsMs: 8_000,
    },
    {
      name: "disk full (SQLSTATE 53100 for every audit entry)",
      ready: null,
      begin: () => superuser(fullDisk),
      end: () => superuser("DROP TRIGGER chaos_full ON plangate.audit_entries"),
      lastsMs: 3_000,
    },
    {
      name: "every connection ended by an administrator",
      ready: null,
      begin: () =>
        superuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'plangate'"),
      end: async () => {},
      lastsMs: 0,
    },
    {
      name: "one gate killed with -9 and started again",
      ready: null,
      begin: async () => first?.kill9(),
      end: async () => first?.start(),
      lastsMs: 2_000,
    },
  ];
}

const fullDisk = `
  CREATE OR REPLACE FUNCTION public.chaos_full() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
  CREATE TRIGGER chaos_full BEFORE INSERT ON plangate.audit_entries FOR EACH STATEMENT EXECUTE FUNCTION public.chaos_full()`;

async function setCommitDelay(superuser: (sql: string) => Promise<void>, microseconds: number): Promise<void> {
  await superuser(`ALTER SYSTEM SET commit_delay = ${microseconds}`);
  await superuser("ALTER SYSTEM SET commit_siblings = 0");
  await superuser("SELECT pg_reload_conf()");
  await sleep(200);
}

/** To the server's processes: the postmaster and its children. */
function signal({ dataDir }: PostgresServer, name: "SIGSTOP" | "SIGCONT"): void {
  const postmaster = Number.parseInt(readFileSync(join(dataDir, "postmaster.pid"), "utf8"), 10);
  for (const pid of [postmaster, ...childrenOf(postmaster)]) process.kill(pid, name);
}

function childrenOf(parent: number): number[] {
  if (process.platform !== "linux") {
    return execFileSync("pgrep", ["-P", String(parent)], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map(Number);
  }
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === parent ? [Number(name)] : [];
    } catch {
      return []; // It has ended in between.
    }
  });
}

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(__dirname, "../..");

/** Builds dist/ if it is older than the sources. */
export function buildProgram(): void {
  const script = `import { buildIfStale } from ${JSON.stringify(join(root, "scripts/bootstrap.mjs"))}; buildIfStale();`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the program was not built: ${stderr}`);
}

export interface GateProcess {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Where it listens. Rejects if it ends first. */
  url(): Promise<string>;
  /** Waits until standard error has `text`; rejects if the process ends first. */
  untilLogged(text: string): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Exit code, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals>;
}

const running = new Set<ChildProcess>();
const folders: string[] = [];

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "plangate-serve-"));
  folders.push(folder);
  return folder;
}

/** Making a database takes seconds, so that tests copy one that was made before. */
export async function makeDataDirectory(policies: string): Promise<{ copy(): string; remove(): void }> {
  const made = mkdtempSync(join(tmpdir(), "plangate-serve-made-"));
  const gate = serve(["--policies", policies, "--data-dir", made]);
  await gate.url();
  gate.signal("SIGTERM");
  await gate.ended();
  return {
    copy() {
      const folder = newFolder();
      cpSync(made, folder, { recursive: true });
      return folder;
    },
    remove: () => rmSync(made, { recursive: true, force: true }),
  };
}

/** For afterEach: kills what a failed test left running, and removes the folders. */
export async function cleanup(): Promise<void> {
  for (const child of running) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export function serve(args: readonly string[], env: NodeJS.ProcessEnv = {}): GateProcess {
  return start([join(root, "dist/plangate.js"), "serve", "--port", "0", ...args], env);
}

export function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): GateProcess {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.stderr += chunk;
  });
  const end = new Promise<number | NodeJS.Signals>((done) => {
    child.once("close", (code, signal) => {
      running.delete(child);
      done(code ?? signal ?? "SIGKILL");
    });
  });
  const until = async <T>(stream: "stdout" | "stderr", find: () => T | null): Promise<T> => {
    for (;;) {
      const found = find();
      if (found !== null) return found;
      const ended = await Promise.race([end, once(child[stream], "data").then(() => null)]);
      if (ended !== null && find() === null) throw new Error(`the gate ended (${ended}): ${output.stderr}`);
    }
  };
  return {
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    url: () => until("stdout", () => /listens on (\S+)/.exec(output.stdout)?.[1] ?? null),
    untilLogged: async (text) => void (await until("stderr", () => (output.stderr.includes(text) ? text : null))),
    signal: (signal) => void child.kill(signal),
    ended: () => end,
  };
}

/** One deploy request without migrations. */
export async function decide(url: string, commit = "9f1c2e7"): Promise<{ status: number; id: string }> {
  const response = await fetch(`${url}/v1/decisions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ service: "orders", environment: "production", commit }),
  });
  const { id } = (await response.json()) as { id: string };
  return { status: response.status, id };
}

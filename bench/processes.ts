import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** Node with these arguments; it is added to `children`, for whoever ends them. */
export function start(children: ChildProcess[], cwd: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, args, {
    cwd,
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, ...env },
  });
  children.push(child);
  return child;
}

/** The first URL that it prints, or the first that the form matches. */
export async function listening({ stdout }: { stdout: Readable }, form = /http:\/\/[^ ]+/): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const [url] = form.exec(line) ?? [];
    if (url !== undefined) {
      stdout.resume();
      return url;
    }
  }
  throw new Error("a server ended before it listened");
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

import type { CommandIo } from "../../src/entry/cli/io.ts";
import { runProgram } from "../../src/entry/cli/program.ts";

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CliWorld {
  cwd?: string;
  stdin?: string | Uint8Array;
  env?: NodeJS.ProcessEnv;
  isTTY?: boolean;
  columns?: number;
  now?: string;
}

/** Runs a command line in this process: everything real but the process's own streams, clock and exit code. */
export async function cli(args: readonly string[], world: CliWorld = {}): Promise<CliResult> {
  const result: CliResult = { code: Number.NaN, stdout: "", stderr: "" };
  const io: CommandIo = {
    stdout: (text) => {
      result.stdout += text;
    },
    stderr: (text) => {
      result.stderr += text;
    },
    stdin: async () => Buffer.from(world.stdin ?? ""),
    isTTY: world.isTTY ?? false,
    columns: world.columns ?? 80,
    env: world.env ?? {},
    cwd: world.cwd ?? process.cwd(),
    now: () => new Date(world.now ?? "2026-03-13T20:47:00Z"),
    setExitCode: (code) => {
      result.code = code;
    },
  };
  await runProgram(args, io);
  return result;
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { GateCall, Patience } from "../../adapters/gate-client/call-gate.ts";
import { credentialsFrom } from "../../adapters/gate-client/credentials.ts";
import { gateUrl } from "../../adapters/gate-client/gate-url.ts";
import { printable } from "../../output/printable.ts";
import type { CommandIo } from "./io.ts";
import { durationOption } from "./options.ts";

/** Options of commands that call a running gate. */
export interface GateOptions {
  url?: string;
  caller?: string;
  audience: string;
  timeout: number;
}

export function withGateOptions(command: Command): Command {
  return command
    .option("--url <URL>", "the gate (default: the variable PLANGATE_URL)")
    .option("--caller <NAME>", "name in the gate's `callers`, where a token could be that of several")
    .option("--audience <NAME>", "audience of the ID token that is asked of GitHub Actions", "plangate")
    .option("--timeout <TIME>", "give up after this time (default: 2m)", durationOption, 120_000);
}

/** Which gate, and as whom. Throws CredentialsError, PlangateError `usage`. */
export function gateFrom(
  options: GateOptions,
  path: string,
  { env }: CommandIo,
): Pick<GateCall, "url" | "credentials" | "caller"> {
  const credentials = credentialsFrom(env, options.audience);
  const url = gateUrl(options.url ?? env.PLANGATE_URL ?? "", path, credentials);
  return { url, credentials, caller: options.caller ?? null };
}

/** `missing`: what there is not yet at each pause, "no decision from gate.example.com". */
export function patienceFor(timeoutMs: number, missing: string, io: CommandIo): Patience {
  return {
    timeoutMs,
    now: () => io.now(),
    sleep: (ms) => sleep(ms),
    onRetry(reason, waitMs) {
      const seconds = Math.ceil(waitMs / 1000);
      io.stderr(`plangate: ${printable(missing)} yet: ${printable(reason)}; asking again in ${seconds} s\n`);
    },
  };
}

import { existsSync } from "node:fs";
import path from "node:path";
import { defaultConfig, type GateConfig, loadConfigFile } from "../../adapters/config/config.ts";
import { readPolicyDirectory } from "../../adapters/policies/read-directory.ts";
import { loadPolicySet } from "../../core/policy/load.ts";
import type { PolicySet } from "../../core/policy/policy.ts";
import { printable } from "../../output/printable.ts";
import type { CommandIo } from "./io.ts";

/** The named plangate.yaml, or that of the working directory, or what holds without one. */
export function readConfig(file: string | undefined, io: CommandIo): GateConfig {
  const chosen = path.resolve(io.cwd, file ?? "plangate.yaml");
  return file !== undefined || existsSync(chosen) ? loadConfigFile(chosen, null) : defaultConfig(io.cwd);
}

/** The policies of the named directory, or the configured one. What deserves a look goes to stderr. */
export async function readPolicies(
  directory: string | undefined,
  config: GateConfig,
  io: CommandIo,
  at: Date,
): Promise<PolicySet> {
  const chosen = path.resolve(io.cwd, directory ?? config.policies.directory);
  const shown = path.relative(io.cwd, chosen).split(path.sep).join("/");
  const set = loadPolicySet(await readPolicyDirectory(chosen), { directory: shown === "" ? "." : shown, at });
  for (const { message, location } of set.warnings) {
    io.stderr(`plangate: warning: ${printable(`${location.path}:${location.line}: ${message}`)}\n`);
  }
  return set;
}

import path from "node:path";
import { defaultConfig, type GateConfig, loadConfigFile } from "../../adapters/config/config.ts";
import { loadPolicyDirectory } from "../../adapters/policies/read-directory.ts";
import type { PolicySet } from "../../core/policy/policy.ts";
import { printable } from "../../output/printable.ts";
import type { CommandIo } from "./io.ts";

/** plangate.yaml where one is named, or what holds without. */
export function readConfig(file: string | undefined, io: CommandIo): GateConfig {
  return file === undefined ? defaultConfig(io.cwd) : loadConfigFile(path.resolve(io.cwd, file), io.env);
}

/** The policies of the named directory, or the configured one. What deserves a look goes to stderr. */
export async function readPolicies(
  directory: string | undefined,
  config: GateConfig,
  io: CommandIo,
  at: Date,
): Promise<PolicySet> {
  const chosen = path.resolve(io.cwd, directory ?? config.policies.directory);
  const shown = path.relative(io.cwd, chosen);
  const set = await loadPolicyDirectory(shown === "" ? "." : shown, { at });
  for (const { message, location } of set.warnings) {
    io.stderr(`plangate: warning: ${printable(`${location.path}:${location.line}: ${message}`)}\n`);
  }
  return set;
}

import type { GateConfig } from "../../adapters/config/config.ts";
import { evidenceTrust } from "../../adapters/evidence-signature/evidence-trust.ts";
import { humanTokens } from "../../adapters/tokens/human-tokens.ts";
import { check } from "../../app/check.ts";
import type { Decision } from "../../core/decision.ts";
import type { PolicySet } from "../../core/policy/policy.ts";
import { loadGrammar } from "../../core/sql/grammar.ts";
import type { CheckOptions } from "./check-options.ts";
import type { CommandIo } from "./io.ts";
import { readRequestInput } from "./request-input.ts";
import { readConfig, readPolicies } from "./settings.ts";

/** The decision on the request that files and flags describe, as a gate with this configuration would make it. */
export async function decideOffline(
  files: readonly string[],
  options: CheckOptions,
  io: CommandIo,
): Promise<{ decision: Decision; policySet: PolicySet; config: GateConfig }> {
  // Compiles on other threads while the files are read. What goes wrong shows when `check` awaits it.
  loadGrammar().catch(() => undefined);
  const config = readConfig(options.config, io);
  const at = options.at ?? io.now();
  const { raw, bundles } = await readRequestInput(files, options, io);
  const policySet = await readPolicies(options.policies, config, io, at);
  const settings = {
    unmatched: options.unmatched ?? config.policies.unmatched,
    leaseMs: config.lease.maxMs,
    timeZoneDatabase: process.versions.tz ?? "unknown",
    services: config.services,
  };
  const decision = await check({
    raw,
    bundles,
    evidenceTrust: evidenceTrust(config.evidence.keys),
    humanTokens: humanTokens(config.approvers),
    policySet,
    settings,
    at,
  });
  return { decision, policySet, config };
}

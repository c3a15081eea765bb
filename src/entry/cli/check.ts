import type { Command } from "commander";
import { version } from "../../../package.json";
import { evidenceTrust } from "../../adapters/evidence-signature/evidence-trust.ts";
import { humanTokens } from "../../adapters/tokens/human-tokens.ts";
import { check } from "../../app/check.ts";
import type { Decision } from "../../core/decision.ts";
import type { PolicySet } from "../../core/policy/policy.ts";
import { rules } from "../../core/rules/index.ts";
import { loadGrammar } from "../../core/sql/grammar.ts";
import { formatGithub } from "../../output/github.ts";
import { formatJson } from "../../output/json.ts";
import { formatSarif } from "../../output/sarif.ts";
import { formatText } from "../../output/text.ts";
import { type CheckOptions, requestCommand } from "./check-options.ts";
import type { CommandIo } from "./io.ts";
import { readRequestInput } from "./request-input.ts";
import { readConfig, readPolicies } from "./settings.ts";

export function build(io: CommandIo): Command {
  return requestCommand(io, {
    name: "check",
    summary: "Decide on a deploy request offline, as the gate would; nothing is recorded.",
    examples: [
      "plangate check migrations/0042.sql --policies policies --environment production --service orders \\",
      "    --evidence orders-primary.json --evidence orders-replica-1.json --approval dba@example.com",
      "plangate check --request request.json --policies policies --format sarif > plangate.sarif",
    ],
  }).action((files: string[], options: CheckOptions) => run(files, options, io));
}

async function run(files: readonly string[], options: CheckOptions, io: CommandIo): Promise<void> {
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
  io.stdout(render(decision, policySet, options.format, io));
  io.setExitCode(decision.allowed ? 0 : 2);
}

function render(decision: Decision, policySet: PolicySet, format: CheckOptions["format"], io: CommandIo): string {
  if (format === "json") return formatJson(decision);
  if (format === "github") return formatGithub(decision);
  if (format === "text") {
    return formatText(decision, {
      width: Math.min(io.columns, 80),
      colour: io.isTTY && (io.env.NO_COLOR ?? "") === "",
    });
  }
  return formatSarif(decision, {
    toolVersion: version,
    rules: [...rules.values()],
    policyLocations: new Map(policySet.policies.map(({ id, location }) => [id, location])),
    fallback: policySet.policies[0]?.location ?? { path: "policies", line: 1 },
  });
}

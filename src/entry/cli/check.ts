import type { Command } from "commander";
import { version } from "../../../package.json";
import type { Decision } from "../../core/decision.ts";
import type { PolicySet } from "../../core/policy/policy.ts";
import { rules } from "../../core/rules/index.ts";
import { formatGithub } from "../../output/github.ts";
import { formatJson } from "../../output/json.ts";
import { formatSarif } from "../../output/sarif.ts";
import { formatText } from "../../output/text.ts";
import { type CheckOptions, requestCommand } from "./check-options.ts";
import type { CommandIo } from "./io.ts";
import { decideOffline } from "./offline-decision.ts";

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
  const { decision, policySet } = await decideOffline(files, options, io);
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

import type { Command } from "commander";
import { type CheckOptions, requestCommand } from "./check-options.ts";
import type { CommandIo } from "./io.ts";
import { decideOffline } from "./offline-decision.ts";
import { renderDecision } from "./render-decision.ts";

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
  io.stdout(renderDecision(decision, policySet, options.format, io));
  io.setExitCode(decision.allowed ? 0 : 2);
}

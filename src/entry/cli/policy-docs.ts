import type { Command } from "commander";
import { ruleReference } from "../../core/policy/rule-reference.ts";
import { rules } from "../../core/rules/index.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";

export function policyDocsCommand(io: CommandIo): Command {
  return newCommand(io, {
    name: "docs",
    summary: "Print the rule reference as Markdown.",
    examples: ["plangate policy docs > RULES.md"],
  }).action(() => io.stdout(ruleReference(rules)));
}

import type { Command } from "commander";
import { policyJsonSchema } from "../../core/policy/json-schema.ts";
import { rules } from "../../core/rules/index.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";

export function policySchemaCommand(io: CommandIo): Command {
  return newCommand(io, {
    name: "schema",
    summary: "Print the JSON Schema of policy files, for editors.",
    examples: ["plangate policy schema > policies/policy.schema.json"],
  }).action(() => io.stdout(`${JSON.stringify(policyJsonSchema(rules), null, 2)}\n`));
}

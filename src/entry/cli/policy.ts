import { type CommandModule, newCommand } from "./command.ts";
import { policyDocsCommand } from "./policy-docs.ts";
import { policySchemaCommand } from "./policy-schema.ts";
import { policyTestCommand } from "./policy-test.ts";
import { policyValidateCommand } from "./policy-validate.ts";

export const build: CommandModule["build"] = (io) => {
  const group = newCommand(io, {
    name: "policy",
    summary: "Check and unit-test policies; print their JSON Schema and the rule reference.",
    examples: ["plangate policy validate policies", "plangate policy test policies"],
  });
  for (const newSubcommand of [policyValidateCommand, policyTestCommand, policySchemaCommand, policyDocsCommand]) {
    group.addCommand(newSubcommand(io));
  }
  return group;
};

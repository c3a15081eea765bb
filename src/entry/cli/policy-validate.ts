import path from "node:path";
import { type Command, Option } from "commander";
import { loadPolicyDirectory } from "../../adapters/policies/read-directory.ts";
import { PolicyError } from "../../core/policy/document-error.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { type ReportFormat, reportFormats, type Validation, validationReport } from "./policy-report.ts";

/** Exit code 0 for policies that load, 1 for policies that do not. */
export function policyValidateCommand(io: CommandIo): Command {
  return newCommand(io, {
    name: "validate",
    summary: "Check a policy directory and name everything that is wrong with it.",
    examples: ["plangate policy validate policies", "plangate policy validate policies --format github"],
  })
    .argument("[directory]", "policy directory", "policies")
    .addOption(new Option("--format <format>", "how to print the result").choices(reportFormats).default("text"))
    .action(async (directory: string, { format }: { format: ReportFormat }) => {
      const validation = await validate(directory, io);
      io.stdout(validationReport(validation, format, { colour: io.isTTY }));
      io.setExitCode(validation.errors.length === 0 ? 0 : 1);
    });
}

async function validate(directory: string, io: CommandIo): Promise<Validation> {
  try {
    const set = await loadPolicyDirectory(path.resolve(io.cwd, directory), { directory, at: io.now() });
    return { directory, set, errors: [] };
  } catch (error) {
    if (error instanceof PolicyError) return { directory, set: null, errors: error.issues };
    throw error;
  }
}

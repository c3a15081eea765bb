import path from "node:path";
import { type Command, Option } from "commander";
import { readFileBytes } from "../../adapters/file-error.ts";
import { readPolicyDirectory } from "../../adapters/policies/read-directory.ts";
import { runPolicyTests } from "../../app/policy-tests.ts";
import { loadGrammar } from "../../core/sql/grammar.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { type ReportFormat, reportFormats, testReport } from "./policy-report.ts";

/** Exit code 0 where every case gets the decision that it expects, 2 where one does not, 1 for tests that cannot run. */
export function policyTestCommand(io: CommandIo): Command {
  return newCommand(io, {
    name: "test",
    summary: "Run the policy tests (*.test.yaml) of a directory, or one of them.",
    examples: ["plangate policy test policies", "plangate policy test policies/schema-changes.test.yaml"],
  })
    .argument("[path]", "policy directory, or one test file in it", "policies")
    .addOption(new Option("--format <format>", "how to print the result").choices(reportFormats).default("text"))
    .action(async (given: string, { format }: { format: ReportFormat }) => {
      const isFile = /\.ya?ml$/i.test(given);
      const directory = isFile ? path.dirname(given) : given;
      const root = path.resolve(io.cwd, directory);
      const files = await readPolicyDirectory(root, directory);
      await loadGrammar();
      const report = runPolicyTests({
        files,
        directory,
        ...(isFile ? { only: path.basename(given) } : {}),
        readFile: (file) => readFileBytes(path.resolve(root, file)),
        timeZoneDatabase: process.versions.tz ?? "unknown",
      });
      io.stdout(testReport(report, format, { colour: io.isTTY }));
      io.setExitCode(report.passed ? 0 : 2);
    });
}

import path from "node:path";
import type { Command } from "commander";
import { writeKeyPair } from "../../adapters/evidence-signature/key-pair.ts";
import { printable } from "../../output/printable.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { keyIdOption } from "./key-options.ts";

interface OverrideKeygenOptions {
  kid: string;
  subject: string;
  outDir: string;
}

export function buildOverrideKeygen(io: CommandIo): Command {
  return newCommand(io, {
    name: "keygen",
    summary: "Makes a human's key pair (EC P-256) for overrides and approvals, and prints its entry for plangate.yaml.",
    examples: ["plangate override keygen --subject dba@example.com --kid dba-2026 --out-dir ~/.plangate"],
  })
    .requiredOption("--subject <WHO>", "the human, as requests and tokens name them")
    .requiredOption("--kid <ID>", "key id: what tokens and the configuration call the key", keyIdOption)
    .requiredOption("--out-dir <DIR>", "where ID.private.pem and ID.public.pem are written; nothing is overwritten")
    .action((options: OverrideKeygenOptions) => run(options, io));
}

async function run({ kid, subject, outDir }: OverrideKeygenOptions, io: CommandIo): Promise<void> {
  await writeKeyPair(path.resolve(io.cwd, outDir), kid, "ES256");
  const file = path.join(outDir, kid);
  io.stderr(`plangate: wrote ${file}.private.pem: whoever can read it can sign as ${printable(subject)}\n`);
  io.stdout(
    [
      "approvers:",
      `  - subject: ${JSON.stringify(subject)}`,
      `    kid: "${kid}"`,
      "    algorithm: ES256",
      `    publicKeyFile: ${JSON.stringify(`${file}.public.pem`)}`,
      "    mayApprove: true",
      "    mayWaive: [] # rule ids, such as change-window",
      "    environments: [production]",
      "",
    ].join("\n"),
  );
}

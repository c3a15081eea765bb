import path from "node:path";
import { type Command, Option } from "commander";
import { writeKeyPair } from "../../adapters/evidence-signature/key-pair.ts";
import { type SignatureAlgorithm, signatureAlgorithms } from "../../adapters/evidence-signature/keys.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { keyIdOption } from "./key-options.ts";

interface EvidenceKeygenOptions {
  kid: string;
  outDir: string;
  algorithm: SignatureAlgorithm;
}

export function buildEvidenceKeygen(io: CommandIo): Command {
  return newCommand(io, {
    name: "keygen",
    summary: "Makes a key pair for signing evidence, and prints its entry for plangate.yaml.",
    examples: ["plangate evidence keygen --kid orders-collector-2026 --out-dir keys"],
  })
    .requiredOption("--kid <ID>", "key id: what signatures and the configuration call the key", keyIdOption)
    .requiredOption("--out-dir <DIR>", "where ID.private.pem and ID.public.pem are written; nothing is overwritten")
    .addOption(new Option("--algorithm <ALGORITHM>", "kind of key").choices(signatureAlgorithms).default("ES256"))
    .action((options: EvidenceKeygenOptions) => run(options, io));
}

async function run({ kid, outDir, algorithm }: EvidenceKeygenOptions, io: CommandIo): Promise<void> {
  await writeKeyPair(path.resolve(io.cwd, outDir), kid, algorithm);
  const file = path.join(outDir, kid);
  io.stderr(`plangate: wrote ${file}.private.pem: keep it where only the collector can read it\n`);
  io.stdout(
    [
      "evidence:",
      "  keys:",
      `    - { kid: "${kid}", algorithm: ${algorithm}, publicKeyFile: ${JSON.stringify(`${file}.public.pem`)} }`,
      "",
    ].join("\n"),
  );
}

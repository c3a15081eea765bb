import path from "node:path";
import { type Command, Option } from "commander";
import { signBundle } from "../../adapters/evidence-signature/detached-jws.ts";
import {
  algorithmFor,
  parsePrivateKey,
  type SignatureAlgorithm,
  signatureAlgorithms,
} from "../../adapters/evidence-signature/keys.ts";
import { readTextFile } from "../../adapters/input-files.ts";
import { writeWhole } from "../../adapters/output-file.ts";
import { withFields } from "../../app/check.ts";
import { receiveEvidence } from "../../app/received-evidence.ts";
import { PlangateError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import { printable } from "../../output/printable.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { aboutFile, keyIdOption, readKeyFile } from "./key-options.ts";

interface EvidenceSignOptions {
  key: string;
  kid: string;
  algorithm?: SignatureAlgorithm;
  out?: string;
}

export function buildEvidenceSign(io: CommandIo): Command {
  return newCommand(io, {
    name: "sign",
    summary: "Signs each bundle of a file, so that the gate knows which collector vouches for it.",
    examples: [
      "plangate evidence sign evidence.json --key keys/orders-collector-2026.private.pem --kid orders-collector-2026 \\",
      "    --out evidence.signed.json",
    ],
  })
    .argument("<FILE>", "evidence bundle, or an array of them")
    .requiredOption("--key <FILE>", "private key in PEM form: EC on P-256, or RSA of at least 2048 bits")
    .requiredOption("--kid <ID>", "what the gate's configuration calls the key", keyIdOption)
    .addOption(
      new Option("--algorithm <ALGORITHM>", "default: ES256 for an EC key, PS256 for an RSA key").choices(
        signatureAlgorithms,
      ),
    )
    .option("--out <FILE>", "where to write the signed bundles (default: standard output)")
    .action((file: string, options: EvidenceSignOptions) => run(file, options, io));
}

async function run(file: string, options: EvidenceSignOptions, io: CommandIo): Promise<void> {
  const { kid, out } = options;
  const privateKey = await readKeyFile(options.key, parsePrivateKey, io);
  const algorithm = aboutFile(options.key, () => algorithmFor(privateKey, options.algorithm));
  const value = parseJson(await readTextFile(file, io.cwd), file);
  const received = receiveEvidence(value, file);
  if (received.length === 0) throw new PlangateError("bad-evidence", `${file}: holds no evidence bundle`);
  const signed = received.map(({ raw }) => withFields(raw, { signature: signBundle(raw, privateKey, algorithm, kid) }));
  const text = `${JSON.stringify(Array.isArray(value) ? signed : signed[0], null, 2)}\n`;
  if (out === undefined) io.stdout(text);
  else await writeWhole(path.resolve(io.cwd, out), text);
  for (const { parsed } of received) {
    const { server, signature } = parsed.bundle;
    const again = signature == null ? "" : ", in place of the signature that it had";
    io.stderr(`plangate: signed the bundle of ${printable(server.name)} with ${kid} (${algorithm})${again}\n`);
  }
}

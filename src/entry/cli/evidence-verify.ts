import { type Command, Option } from "commander";
import { trustOf } from "../../adapters/evidence-signature/evidence-trust.ts";
import {
  algorithmFor,
  type EvidenceKeys,
  fingerprintOf,
  parsePublicKey,
  type SignatureAlgorithm,
  signatureAlgorithms,
} from "../../adapters/evidence-signature/keys.ts";
import { readTextFile } from "../../adapters/input-files.ts";
import { receiveEvidence } from "../../app/received-evidence.ts";
import { PlangateError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import { printable } from "../../output/printable.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { aboutFile, keyIdOption, readKeyFile } from "./key-options.ts";
import { readConfig } from "./settings.ts";

interface EvidenceVerifyOptions {
  key?: string;
  kid?: string;
  algorithm?: SignatureAlgorithm;
  config?: string;
  format: "text" | "json";
}

export function buildEvidenceVerify(io: CommandIo): Command {
  return newCommand(io, {
    name: "verify",
    summary: "Checks the signature of each bundle of a file. Exit code 2: one of them does not hold.",
    examples: [
      "plangate evidence verify evidence.signed.json --config plangate.yaml",
      "plangate evidence verify evidence.signed.json --key keys/orders-collector-2026.public.pem --kid orders-collector-2026",
    ],
  })
    .argument("<FILE>", "evidence bundle, or an array of them")
    .option("--key <FILE>", "public key in PEM form, in place of the configured ones")
    .option("--kid <ID>", "what signatures call that key", keyIdOption)
    .addOption(
      new Option("--algorithm <ALGORITHM>", "of that key; default: ES256 for EC, PS256 for RSA").choices(
        signatureAlgorithms,
      ),
    )
    .option("--config <FILE>", "the gate's configuration (default: plangate.yaml, where there is one)")
    .addOption(new Option("--format <FORMAT>", "how the result is printed").choices(["text", "json"]).default("text"))
    .action((file: string, options: EvidenceVerifyOptions) => run(file, options, io));
}

async function run(file: string, options: EvidenceVerifyOptions, io: CommandIo): Promise<void> {
  const keys = await readKeys(options, io);
  const received = receiveEvidence(parseJson(await readTextFile(file, io.cwd), file), file);
  if (received.length === 0) throw new PlangateError("bad-evidence", `${file}: holds no evidence bundle`);
  const results = received.map(({ raw, parsed: { bundle, digest } }) => {
    const { signer, problem } = trustOf(raw, bundle, keys, io.now());
    return {
      server: bundle.server.name,
      capturedAt: bundle.capturedAt.toISOString(),
      digest,
      signedBy: signer?.kid ?? null,
      problem: problem ?? (signer === null ? "it has no signature" : null),
    };
  });
  const line = ({ server, capturedAt, signedBy, problem }: (typeof results)[number]) =>
    `${problem === null ? `ok      ${server}: signed by ${signedBy}` : `FAILED  ${server}: ${problem}`} (captured at ${capturedAt})`;
  io.stdout(
    options.format === "json"
      ? `${JSON.stringify({ bundles: results }, null, 2)}\n`
      : results.map((result) => `${printable(line(result))}\n`).join(""),
  );
  io.setExitCode(results.every(({ problem }) => problem === null) ? 0 : 2);
}

async function readKeys(options: EvidenceVerifyOptions, io: CommandIo): Promise<EvidenceKeys> {
  const { key: file, kid, config } = options;
  if ((file === undefined) !== (kid === undefined) || (file === undefined && options.algorithm !== undefined)) {
    throw new PlangateError("bad-arguments", "--key and --kid belong together, and --algorithm to them");
  }
  if (file !== undefined && kid !== undefined) {
    if (config !== undefined) throw new PlangateError("bad-arguments", "give either --key with --kid, or --config");
    const publicKey = await readKeyFile(file, parsePublicKey, io);
    const algorithm = aboutFile(file, () => algorithmFor(publicKey, options.algorithm));
    const fingerprint = fingerprintOf(publicKey);
    return new Map([[kid, { kid, algorithm, publicKey, fingerprint, servers: null, notAfter: null }]]);
  }
  const { keys } = readConfig(config, io).evidence;
  if (keys.size > 0) return keys;
  throw new PlangateError(
    "bad-arguments",
    "no keys are known; give --key and --kid, or a configuration with evidence.keys",
  );
}

import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import { type GateCall, GateError } from "../../adapters/gate-client/call-gate.ts";
import { pushBundle } from "../../adapters/gate-client/push-bundle.ts";
import { bodyLimit } from "../../app/body-limit.ts";
import { receiveEvidence } from "../../app/received-evidence.ts";
import { PlangateError } from "../../core/errors.ts";
import { printable, printableLines } from "../../output/printable.ts";
import { newCommand } from "./command.ts";
import { type GateOptions, gateFrom, patienceFor, withGateOptions } from "./gate-options.ts";
import type { CommandIo } from "./io.ts";
import { readJson } from "./token-options.ts";

interface EvidencePushOptions extends GateOptions {
  database: string;
  format: "text" | "json";
}

export function buildEvidencePush(io: CommandIo): Command {
  const command = newCommand(io, {
    name: "push",
    summary: "Stores evidence bundles in a running gate ahead of a deploy; requests on that database use them.",
    examples: [
      "PLANGATE_SECRET=whsec_… plangate evidence push evidence.signed.json --url https://plangate.example.com \\",
      "    --database orders-production",
      "plangate evidence collect --server orders-primary=env:PRIMARY_URL |",
      "    plangate evidence push - --url https://plangate.example.com --database orders-production   # PLANGATE_TOKEN or GitHub's own",
    ],
  })
    .argument("<FILE...>", 'evidence bundles, one or an array in each file; "-" reads standard input')
    .requiredOption("--database <NAME>", "what deploy requests call the database");
  return withGateOptions(command)
    .addOption(new Option("--format <FORMAT>", "how the result is printed").choices(["text", "json"]).default("text"))
    .action((files: string[], options: EvidencePushOptions) => run(files, options, io));
}

async function run(files: readonly string[], options: EvidencePushOptions, io: CommandIo): Promise<void> {
  const { database, format } = options;
  const gate = gateFrom(options, "/v1/evidence", io);
  gate.url.searchParams.set("database", database);
  const { results, failure } = await pushAll(await readBundles(files, io), gate, options, io);
  if (format === "json") io.stdout(`${JSON.stringify({ database, bundles: results }, null, 2)}\n`);
  if (failure !== null) throw failure;
  io.setExitCode(results.every(({ problem }) => problem === null) ? 0 : 1);
}

/** In order, and no further than to what would fail for all. That is `failure`. */
async function pushAll(
  bundles: readonly Bundle[],
  gate: Gate,
  { timeout, format }: EvidencePushOptions,
  io: CommandIo,
): Promise<{ results: Result[]; failure: PlangateError | null }> {
  const started = performance.now();
  const results: Result[] = [];
  for (const [index, bundle] of bundles.entries()) {
    try {
      const trust = await push(bundle, gate, timeout - (performance.now() - started), io);
      results.push(resultOf(bundle, trust, null));
      if (format === "text") io.stdout(`stored  ${printable(`${bundle.server}: ${trust}, ${bundle.digest}`)}\n`);
    } catch (error) {
      if (!(error instanceof PlangateError)) throw error;
      results.push(resultOf(bundle, null, error.message));
      if (isAboutBundle(error)) {
        io.stderr(`plangate: ${printableLines(error.message).join("\n")}\n`);
        continue;
      }
      const unsent = bundles.slice(index + 1);
      for (const { place, server } of unsent) io.stderr(`plangate: ${printable(`not sent: ${place}, ${server}`)}\n`);
      return { results: [...results, ...unsent.map((one) => resultOf(one, null, "not sent"))], failure: error };
    }
  }
  return { results, failure: null };
}

type Gate = Pick<GateCall, "url" | "credentials" | "caller">;

interface Bundle {
  /** "evidence.json", or "evidence.json[1]" of an array. */
  place: string;
  server: string;
  digest: string;
  body: Uint8Array;
}

/** Throws where a file holds none, what is no bundle, or one that no gate reads: then nothing is sent. */
async function readBundles(files: readonly string[], io: CommandIo): Promise<Bundle[]> {
  const bundles: Bundle[] = [];
  for (const file of files) {
    const name = file === "-" ? "standard input" : file;
    const value = await readJson(file, io);
    const received = receiveEvidence(value, name);
    if (received.length === 0) throw new PlangateError("bad-evidence", `${name}: holds no evidence bundle`);
    for (const [index, { raw, parsed }] of received.entries()) {
      const place = Array.isArray(value) ? `${name}[${index}]` : name;
      // As it came, so that its signature holds.
      const body = Buffer.from(JSON.stringify(raw), "utf8");
      const server = parsed.bundle.server.name;
      if (body.length > bodyLimit) throw tooLarge(place, server, body.length);
      bundles.push({ place, server, digest: parsed.digest, body });
    }
  }
  return bundles;
}

function tooLarge(place: string, server: string, bytes: number): PlangateError {
  const mebibytes = (size: number) => Math.ceil((size / 1024 / 1024) * 10) / 10;
  return new PlangateError(
    "bad-evidence",
    `${place}: the bundle of ${server} has ${mebibytes(bytes)} MiB, and the gate takes at most ${mebibytes(bodyLimit)} MiB. Nothing was sent.`,
  );
}

/** The trust with which the gate has stored the bundle. */
async function push(
  { place, server, digest, body }: Bundle,
  gate: Gate,
  timeoutMs: number,
  io: CommandIo,
): Promise<string> {
  const name = `${place}, the bundle of ${server}`;
  const patience = patienceFor(timeoutMs, `${gate.url.host} has not stored ${name}`, io);
  const { trust } = await pushBundle({ ...gate, body, digest, name, id: `evd_${randomUUID()}` }, patience);
  return trust;
}

/** The gate refuses this bundle; another one may be stored. */
function isAboutBundle(error: PlangateError): boolean {
  const code = error instanceof GateError ? error.problem?.code : undefined;
  return code !== undefined && ["evidence-refused", "bad-evidence", "bad-json", "body-too-large"].includes(code);
}

interface Result {
  file: string;
  server: string;
  digest: string;
  /** null: not stored. */
  trust: string | null;
  /** null: stored. */
  problem: string | null;
}

function resultOf({ place, server, digest }: Bundle, trust: string | null, problem: string | null): Result {
  return { file: place, server, digest, trust, problem };
}

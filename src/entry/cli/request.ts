import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { requestDecision } from "../../adapters/gate-client/request-decision.ts";
import { withFields } from "../../app/check.ts";
import { decisionSchema } from "../../core/decision.ts";
import { PlangateError } from "../../core/errors.ts";
import { parseDeployRequest, requestDigest } from "../../core/request.ts";
import { type CheckOptions, requestCommand } from "./check-options.ts";
import { type GateOptions, gateFrom, patienceFor, withGateOptions } from "./gate-options.ts";
import type { CommandIo } from "./io.ts";
import { openPassFile, type PassOptions, withPassOptions } from "./pass-options.ts";
import { renderDecision } from "./render-decision.ts";
import { readRequestInput } from "./request-input.ts";
import { readConfig, readPolicies } from "./settings.ts";

interface RequestOptions extends CheckOptions, PassOptions, GateOptions {
  idempotencyKey?: string;
}

export function build(io: CommandIo): Command {
  const command = requestCommand(io, {
    name: "request",
    summary: "Ask a running gate to decide on a deploy request; for pipelines.",
    examples: [
      "PLANGATE_SECRET=whsec_… plangate request migrations/0042.sql --url https://plangate.example.com \\",
      "    --environment production --service orders --commit 9f1c2e7",
      "plangate request --request request.json --url https://plangate.example.com   # PLANGATE_TOKEN or GitHub's own",
    ],
  });
  return withGateOptions(withPassOptions(command))
    .option("--idempotency-key <KEY>", "name of this request: the same key never decides twice (default: a new one)")
    .action((files: string[], options: RequestOptions) => run(files, options, io));
}

async function run(files: readonly string[], options: RequestOptions, io: CommandIo): Promise<void> {
  const passFile = await openPassFile(options, io);
  refuseOptions(options);
  const gate = gateFrom(options, "/v1/decisions", io);
  const id = options.idempotencyKey ?? `req_${randomUUID()}`;
  if (!/^[\x21-\x2d\x2f-\x7e]{1,255}$/.test(id)) {
    throw new PlangateError("usage", '--idempotency-key must be 1 to 255 printable ASCII characters without ".".');
  }
  const raw = await wholeRequest(files, options, io);
  const { request } = parseDeployRequest(raw);
  passFile?.check(request);
  const answer = await requestDecision(
    { ...gate, body: Buffer.from(JSON.stringify(raw), "utf8"), requestDigest: requestDigest(request), id },
    patienceFor(options.timeout, `no decision from ${gate.url.host}`, io),
  );
  io.stdout(await rendered(answer, options, io));
  await passFile?.write(answer, request);
  io.setExitCode(answer.allowed ? 0 : 2);
}

/** The gate has a clock and a configuration of its own. */
function refuseOptions({ at, unmatched, config }: CheckOptions): void {
  const given = Object.entries({ at, unmatched, config }).find(([, value]) => value !== undefined);
  if (given === undefined) return;
  throw new PlangateError(
    "usage",
    `--${given[0]} is for plangate check: the gate decides by its own clock and settings.`,
  );
}

async function wholeRequest(files: readonly string[], options: CheckOptions, io: CommandIo): Promise<unknown> {
  const { raw, bundles } = await readRequestInput(files, options, io);
  if (bundles.length === 0) return raw;
  const given = (raw as { evidence?: unknown } | null)?.evidence ?? [];
  // What is no array is refused when the whole is parsed.
  const before: unknown[] = Array.isArray(given) ? given : [given];
  return withFields(raw, { evidence: [...before, ...bundles.map((bundle) => bundle.raw)] });
}

/** A gate of a later version may say more than this one can show: then its answer is shown as it is. */
async function rendered(answer: object, { format, policies }: RequestOptions, io: CommandIo): Promise<string> {
  const decision = decisionSchema.safeParse(answer);
  if (format === "json" || !decision.success) {
    if (format !== "json")
      io.stderr("plangate: warning: the gate is of another version; its answer is shown as JSON\n");
    return `${JSON.stringify(answer, null, 2)}\n`;
  }
  const isLocal = format === "sarif" && policies !== undefined;
  const policySet = isLocal ? await readPolicies(policies, readConfig(undefined, io), io, io.now()) : null;
  return renderDecision(decision.data, policySet, format, io);
}

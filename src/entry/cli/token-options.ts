import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import { z } from "zod";
import {
  algorithmFor,
  parsePrivateKey,
  type SignatureAlgorithm,
  signatureAlgorithms,
} from "../../adapters/evidence-signature/keys.ts";
import { readTextFile } from "../../adapters/input-files.ts";
import type { SigningKey } from "../../adapters/tokens/sign-token.ts";
import { withFields } from "../../app/check.ts";
import { InputError, inputIssues, PlangateError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import { personKey } from "../../core/person.ts";
import { type ParsedRequest, parseDeployRequest, requestDigest } from "../../core/request.ts";
import { formatDuration } from "../../core/values.ts";
import { printable } from "../../output/printable.ts";
import type { CommandIo } from "./io.ts";
import { aboutFile, keyIdOption, readKeyFile } from "./key-options.ts";
import { durationOption } from "./options.ts";
import { readConfig } from "./settings.ts";

export interface SignOptions {
  request?: string;
  decision?: string;
  digest?: string;
  environment?: string;
  key: string;
  kid: string;
  algorithm?: SignatureAlgorithm;
  subject: string;
  issuer?: string;
  gate?: string;
  config?: string;
  ttl?: number;
  ticket?: string;
}

/** The flags that override and approval tokens have in common. */
export function withSignOptions(command: Command): Command {
  return command
    .option("--request <FILE>", 'the deploy request as JSON; "-" reads standard input')
    .option("--decision <FILE>", 'the decision on it, as the gate answered it; "-" reads standard input')
    .option("--digest <DIGEST>", "the request's digest, where its file is not at hand; needs --environment")
    .option("--environment <NAME>", "where it would be deployed")
    .requiredOption("--key <FILE>", "your private key in PEM form")
    .requiredOption("--kid <ID>", "what the gate's configuration calls the key", keyIdOption)
    .addOption(
      new Option("--algorithm <ALGORITHM>", "default: ES256 for an EC key, PS256 for an RSA key").choices(
        signatureAlgorithms,
      ),
    )
    .requiredOption("--subject <WHO>", "you, as the gate's configuration names you")
    .option("--issuer <NAME>", "the token's issuer, where the configuration sets one (default: the subject)")
    .option("--gate <NAME>", "the gate for which the token counts (default: gate.name of the configuration)")
    .option("--config <FILE>", "the gate's configuration (default: plangate.yaml, where there is one)")
    .option("--ticket <ID>", "where it can be read up, such as INC-2041")
    .option("--ttl <TIME>", 'how long the token lives: "10m" (default: as long as the gate allows)', durationOption);
}

async function signingKeyOf(options: SignOptions, io: CommandIo): Promise<SigningKey> {
  const privateKey = await readKeyFile(options.key, parsePrivateKey, io);
  const algorithm = aboutFile(options.key, () => algorithmFor(privateKey, options.algorithm));
  return { privateKey, algorithm, kid: options.kid };
}

/** The request that is signed for. */
export interface SignTarget {
  requestDigest: string;
  environment: string;
  /** null: nothing says. */
  requestedBy: string | null;
  /** Where the decision tells it. */
  plansDigest: string | null;
  /** Where the request's file was given. */
  parsed: ParsedRequest | null;
}

const decisionSchema = z.object({
  requestDigest: z.string(),
  environment: z.string(),
  requestedBy: z.string().nullish(),
  plansDigest: z.string().nullish(),
});

async function signTargetOf(options: SignOptions, io: CommandIo): Promise<SignTarget> {
  const { request, decision, digest, environment } = options;
  if ([request, decision, digest].filter((given) => given !== undefined).length !== 1) {
    throw new PlangateError("bad-arguments", "give one of --request, --decision and --digest");
  }
  if (request !== undefined) {
    const parsed = parseDeployRequest(withFields(await readJson(request, io), { environment }));
    const { requestedBy = null, environment: target } = parsed.request;
    return {
      requestDigest: requestDigest(parsed.request),
      environment: target,
      requestedBy,
      plansDigest: null,
      parsed,
    };
  }
  if (decision !== undefined) {
    const read = decisionSchema.safeParse(await readJson(decision, io));
    if (!read.success) {
      throw new InputError("bad-decision", `${decision} is not a decision`, inputIssues(read.error.issues));
    }
    const { requestedBy = null, plansDigest = null } = read.data;
    return { ...read.data, requestedBy, plansDigest, parsed: null };
  }
  if (digest === undefined || environment === undefined) {
    throw new PlangateError("bad-arguments", "--digest needs --environment");
  }
  return { requestDigest: digest, environment, requestedBy: null, plansDigest: null, parsed: null };
}

export async function readJson(file: string, io: CommandIo): Promise<unknown> {
  const text = file === "-" ? Buffer.from(await io.stdin()).toString("utf8") : await readTextFile(file, io.cwd);
  return parseJson(text, file === "-" ? "standard input" : file);
}

const idPrefix = { approval: "apr", override: "ovr" } as const;

/** What is the same for every kind of token. Throws PlangateError `bad-arguments` where the gate would refuse it. */
export async function openSigning(kind: keyof typeof idPrefix, options: SignOptions, io: CommandIo) {
  const { gate, approvers } = readConfig(options.config, io);
  const key = await signingKeyOf(options, io);
  const target = await signTargetOf(options, io);
  const jti = `${idPrefix[kind]}_${randomUUID().replaceAll("-", "")}`;
  const token = { jti, gate: gate.name, maxTtlMs: approvers.maxTtlMs[kind] };
  return { key, target, common: commonClaims(options, target, token, io.now()) };
}

/** `iat`, `nbf`, `exp` and who signs for which gate. */
function commonClaims(
  options: SignOptions,
  target: SignTarget,
  token: { jti: string; gate: string; maxTtlMs: number },
  at: Date,
) {
  const ttl = options.ttl ?? token.maxTtlMs;
  if (ttl < 1_000 || ttl > token.maxTtlMs) {
    throw new PlangateError("bad-arguments", `--ttl must be from 1s to ${formatDuration(token.maxTtlMs)}`);
  }
  if (target.requestedBy !== null && personKey(target.requestedBy) === personKey(options.subject)) {
    const who = printable(options.subject);
    throw new PlangateError(
      "bad-arguments",
      `${who} has asked for this deploy, and nobody signs for their own request`,
    );
  }
  const iat = Math.floor(at.getTime() / 1000);
  return {
    iss: options.issuer ?? options.subject,
    sub: options.subject,
    aud: options.gate ?? token.gate,
    iat,
    nbf: iat,
    exp: iat + Math.floor(ttl / 1000),
    jti: token.jti,
    req: target.requestDigest,
    env: target.environment,
  };
}

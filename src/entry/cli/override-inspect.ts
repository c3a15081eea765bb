import { type Command, Option } from "commander";
import { fixedKeys } from "../../adapters/tokens/approver-keys.ts";
import type { Approvers } from "../../adapters/tokens/approvers.ts";
import { approvalType } from "../../adapters/tokens/claims.ts";
import { ruleIds } from "../../adapters/tokens/human-tokens.ts";
import { decodeToken } from "../../adapters/tokens/parse-token.ts";
import {
  approvalProblem,
  overrideProblem,
  type TokenUse,
  useProblem,
  verifyToken,
} from "../../adapters/tokens/verify-token.ts";
import { confirmationCode } from "../../core/confirmation-code.ts";
import { parseDeployRequest, requestDigest } from "../../core/request.ts";
import { printable } from "../../output/printable.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { instantOption } from "./options.ts";
import { readConfig } from "./settings.ts";
import { readJson } from "./token-options.ts";

interface InspectOptions {
  config?: string;
  request?: string;
  at?: Date;
  format: "text" | "json";
}

export function buildOverrideInspect(io: CommandIo): Command {
  return newCommand(io, {
    name: "inspect",
    summary:
      "Shows what an override or approval token says, and whether the gate would take it. Exit code 2: it would not.",
    examples: [
      'plangate override inspect "$TOKEN" --config plangate.yaml --request request.json',
      "plangate override inspect - < token.txt",
    ],
  })
    .argument("<TOKEN>", 'the token; "-" reads standard input')
    .option("--config <FILE>", "the gate's configuration (default: plangate.yaml, where there is one)")
    .option("--request <FILE>", "the deploy request that it should be for")
    .option("--at <TIME>", "as of this moment (RFC 3339; default: now)", instantOption)
    .addOption(new Option("--format <FORMAT>", "how the result is printed").choices(["text", "json"]).default("text"))
    .action((token: string, options: InspectOptions) => run(token, options, io));
}

async function run(argument: string, options: InspectOptions, io: CommandIo): Promise<void> {
  const token = (argument === "-" ? Buffer.from(await io.stdin()).toString("utf8") : argument).trim();
  const { approvers } = readConfig(options.config, io);
  const use = options.request === undefined ? null : await useOf(options.request, io);
  const problem = problemOf(token, approvers, use, options.at ?? io.now());
  const decoded = decodeToken(token);
  const { header, claims } = typeof decoded === "string" ? { header: null, claims: null } : decoded;
  io.stdout(
    options.format === "json"
      ? `${JSON.stringify({ valid: problem === null, problem, header, claims }, null, 2)}\n`
      : [...partLines("header", header), ...partLines("claims", claims), verdict(problem, use), ""].join("\n"),
  );
  io.setExitCode(problem === null ? 0 : 2);
}

async function useOf(file: string, io: CommandIo): Promise<TokenUse> {
  const { request } = parseDeployRequest(await readJson(file, io));
  const { environment, requestedBy = null } = request;
  return { requestDigest: requestDigest(request), environment, requestedBy };
}

/** Whether an override was used before, and whether an approval's plans are still the same, is known to the gate alone. */
function problemOf(token: string, approvers: Approvers, use: TokenUse | null, at: Date): string | null {
  if (isApproval(token)) {
    const verified = verifyToken(token, "approval", approvers, fixedKeys, at);
    if (typeof verified === "string") return verified;
    return approvalProblem(verified) ?? (use && useProblem(verified, use));
  }
  const verified = verifyToken(token, "override", approvers, fixedKeys, at);
  if (typeof verified === "string") return verified;
  return overrideProblem(verified, ruleIds) ?? (use && useProblem(verified, use));
}

function isApproval(token: string): boolean {
  const decoded = decodeToken(token);
  if (typeof decoded === "string") return false;
  const { header } = decoded;
  return typeof header === "object" && header !== null && "typ" in header && header.typ === approvalType;
}

function verdict(problem: string | null, use: TokenUse | null): string {
  if (problem !== null) return `FAILED  ${printable(problem)}`;
  return use === null
    ? "ok      it counts for a request with this digest by somebody else (--request FILE checks that too)"
    : "ok      it counts for this request";
}

const dates = new Set(["iat", "nbf", "exp"]);

function partLines(title: string, part: unknown): string[] {
  if (typeof part !== "object" || part === null) return [];
  const lines = Object.entries(part).map(([name, value]) => {
    const shown = typeof value === "string" ? value : JSON.stringify(value);
    return `  ${printable(name).padEnd(6)}  ${printable(shown)}${remark(name, value)}`;
  });
  return [title, ...lines, ""];
}

function remark(name: string, value: unknown): string {
  if (name === "req" && typeof value === "string") return `  (code ${confirmationCode(value)})`;
  if (!dates.has(name) || typeof value !== "number") return "";
  const date = new Date(value * 1000);
  return Number.isNaN(date.getTime()) ? "" : `  (${date.toISOString()})`;
}

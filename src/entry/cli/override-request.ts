import type { Command } from "commander";
import { z } from "zod";
import type { Approver, Approvers } from "../../adapters/tokens/approvers.ts";
import { confirmationCode } from "../../core/confirmation-code.ts";
import { findingSchema } from "../../core/decision.ts";
import { InputError, inputIssues, PlangateError } from "../../core/errors.ts";
import { blocks } from "../../core/override.ts";
import { globMatches } from "../../core/policy/match.ts";
import { paragraph, printable, wrap } from "../../output/printable.ts";
import { type CheckOptions, requestCommand } from "./check-options.ts";
import type { CommandIo } from "./io.ts";
import { decideOffline } from "./offline-decision.ts";
import { readConfig } from "./settings.ts";
import { readJson } from "./token-options.ts";

interface OverrideRequestOptions extends CheckOptions {
  decision?: string;
}

/** Of a decision, what an override is about. */
const decisionSchema = z.object({
  requestDigest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'expected "sha256:" and 64 hex digits'),
  service: z.string(),
  environment: z.string(),
  requestedBy: z.string().nullable(),
  findings: z.array(findingSchema),
});
type Asked = z.output<typeof decisionSchema>;

export function buildOverrideRequest(io: CommandIo): Command {
  return requestCommand(io, {
    name: "request",
    summary: "Prints what an override would have to waive, and a code to compare with whoever signs it.",
    examples: [
      "plangate override request --decision decision.json",
      "plangate override request --request request.json --policies policies",
    ],
  })
    .option("--decision <FILE>", 'the decision as the gate answered it, in place of a request; "-": standard input')
    .action((files: string[], options: OverrideRequestOptions) => run(files, options, io));
}

async function run(files: readonly string[], options: OverrideRequestOptions, io: CommandIo): Promise<void> {
  const { format } = options;
  if (format !== "text" && format !== "json") throw new PlangateError("bad-arguments", "--format is text or json here");
  const { asked, gate, approvers } = await askedOf(files, options, io);
  const findings = asked.findings.filter(blocks);
  const rules = [...new Set(findings.filter(({ policy }) => policy !== null).map(({ ruleId }) => ruleId))];
  const final = findings.filter(({ policy }) => policy === null);
  const { requestDigest, service, environment, requestedBy } = asked;
  const code = confirmationCode(requestDigest);
  const summary = { requestDigest, code, service, environment, requestedBy, gate, rules, findings };
  io.stdout(
    format === "json" ? `${JSON.stringify(summary, null, 2)}\n` : text({ ...summary, final }, approvers, io.columns),
  );
}

async function askedOf(files: readonly string[], options: OverrideRequestOptions, io: CommandIo) {
  if (options.decision === undefined) {
    const { decision, config } = await decideOffline(files, options, io);
    return { asked: decision, gate: config.gate.name, approvers: config.approvers };
  }
  if (files.length > 0 || options.request !== undefined) {
    throw new PlangateError("bad-arguments", "give either --decision, or a request");
  }
  const read = decisionSchema.safeParse(await readJson(options.decision, io));
  if (!read.success) {
    throw new InputError("bad-decision", `${options.decision} is not a decision`, inputIssues(read.error.issues));
  }
  const config = readConfig(options.config, io);
  return { asked: read.data, gate: config.gate.name, approvers: config.approvers };
}

interface Summary extends Pick<Asked, "requestDigest" | "service" | "environment" | "requestedBy" | "findings"> {
  code: string;
  gate: string;
  rules: readonly string[];
  /** What no override can waive. */
  final: Asked["findings"];
}

function text(summary: Summary, approvers: Approvers, columns: number): string {
  const { requestDigest, code, service, environment, requestedBy, findings, rules, final } = summary;
  const width = Math.min(columns, 80) - 4;
  const by = requestedBy === null ? "" : `, requested by ${printable(requestedBy)}`;
  const heading = [
    `${printable(service)} to ${printable(environment)}${by}`,
    `  request  ${requestDigest}`,
    `  code     ${code}`,
  ];
  if (findings.length === 0) return `${[...heading, "", "Nothing blocks it: no override is needed."].join("\n")}\n`;
  const lines = [...heading, "", "It is blocked by:"];
  for (const { ruleId, message } of findings) {
    lines.push(`  ${printable(ruleId)}`, ...wrap(paragraph(message), width).map((line) => `    ${line}`));
  }
  if (final.length > 0) {
    const which = [...new Set(final.map(({ ruleId }) => ruleId))].join(", ");
    lines.push("", `An override cannot waive ${printable(which)}, so it would be rejected all the same.`);
  } else lines.push("", ...howToSign(summary, signersOf(approvers, environment, rules), approvers));
  return `${lines.join("\n")}\n`;
}

function howToSign({ requestDigest, environment, gate, rules }: Summary, signers: string[], { quorum }: Approvers) {
  const several = rules.flatMap((rule) => {
    const needed = quorum.get(rule) ?? 1;
    return needed > 1 ? [`${printable(rule)} takes overrides by ${needed} different people.`] : [];
  });
  return [
    "Whoever signs reads the SQL first, and compares the code with you by voice:",
    "",
    `  plangate override sign --digest ${requestDigest} \\`,
    `    --environment ${shellWord(environment)} --gate ${shellWord(gate)} ${rules.map((rule) => `--rule ${shellWord(rule)}`).join(" ")} \\`,
    "    --reason 'WHY' --ticket ID --subject YOU --kid YOUR-KEY-ID --key YOUR-KEY.private.pem",
    "",
    ...several,
    ...(signers.length === 0 ? [] : [`These may sign: ${signers.map(printable).join("; ")}.`]),
    "Then send the same request again with the token in `overrides`.",
  ];
}

/** Who may waive which of the rules. */
function signersOf({ byKid, revoked }: Approvers, environment: string, rules: readonly string[]): string[] {
  const usable = ({ kid, environments }: Approver) =>
    !revoked.kids.has(kid) && (environments === null || environments.some((glob) => globMatches(glob, environment)));
  const waives = new Map<string, Set<string>>();
  for (const approver of [...byKid.values()].filter(usable)) {
    for (const rule of rules.filter((id) => approver.mayWaive.has(id))) {
      waives.set(approver.subject, (waives.get(approver.subject) ?? new Set()).add(rule));
    }
  }
  return [...waives].map(([subject, ids]) => `${subject} (${[...ids].join(", ")})`);
}

/** Names come from requests: nothing in them may become part of a command. */
function shellWord(value: string): string {
  return /^[A-Za-z0-9_./:@][A-Za-z0-9_./:@-]*$/.test(value) ? value : `'${printable(value).replaceAll("'", "'\\''")}'`;
}

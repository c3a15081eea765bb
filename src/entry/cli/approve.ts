import type { Command } from "commander";
import { tokenForms } from "../../adapters/tokens/claims.ts";
import { signToken } from "../../adapters/tokens/sign-token.ts";
import { receiveEvidence } from "../../app/received-evidence.ts";
import { confirmationCode } from "../../core/confirmation-code.ts";
import { PlangateError } from "../../core/errors.ts";
import type { TrustedBundle } from "../../core/evidence/bundle.ts";
import { plansDigest } from "../../core/evidence/plans-digest.ts";
import { paragraph, printable, shorten } from "../../output/printable.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { collect } from "./options.ts";
import { openSigning, readJson, type SignOptions, type SignTarget, withSignOptions } from "./token-options.ts";

interface ApproveOptions extends SignOptions {
  evidence: string[];
  plans?: string;
  reason?: string;
}

export function build(io: CommandIo): Command {
  const command = newCommand(io, {
    name: "approve",
    summary: "Signs that you have looked at the query plans of one exact request. Prints the token.",
    examples: [
      "plangate approve --request request.json --evidence plans.json \\",
      "    --key ~/.plangate/dba-2026.private.pem --kid dba-2026 --subject dba@example.com",
    ],
  });
  return withSignOptions(command)
    .option("--evidence <FILE>", "evidence beside that in the request (repeatable)", collect, [])
    .option("--plans <DIGEST>", "the plans' digest as a decision tells it, where they are not in these files")
    .option("--reason <TEXT>", "a remark; it is part of the token")
    .action((options: ApproveOptions) => run(options, io));
}

async function run(options: ApproveOptions, io: CommandIo): Promise<void> {
  const { key, target, common } = await openSigning("approval", options, io);
  const looked = await plansOf(options, target, io);
  const { reason, ticket } = options;
  const token = signToken(
    tokenForms.approval,
    {
      ...common,
      of: "query-plans",
      plans: looked.digest,
      ...(reason === undefined ? {} : { reason }),
      ...(ticket === undefined ? {} : { ticket }),
    },
    key,
  );
  io.stderr(
    [
      `plangate: query plans approved for a deploy to ${printable(target.environment)}`,
      `  request  ${target.requestDigest}`,
      `  code     ${confirmationCode(target.requestDigest)}  (whoever asks must see the same)`,
      `  plans    ${looked.digest}`,
      ...looked.lines.map((line) => `    ${line}`),
      `  counts   at ${printable(common.aud)} until ${new Date(common.exp * 1000).toISOString()}, while the plans stay the same`,
      "",
    ].join("\n"),
  );
  io.stdout(`${token}\n`);
}

/** What is signed must be what the gate sees: the plans of the files, or those that a decision names. */
async function plansOf(
  { plans, evidence }: ApproveOptions,
  { parsed, plansDigest: decided }: SignTarget,
  io: CommandIo,
): Promise<{ digest: string; lines: string[] }> {
  const given = plans ?? decided;
  if (given !== null && evidence.length > 0) {
    throw new PlangateError("bad-arguments", "give the plans either by --evidence, or by --plans or --decision");
  }
  if (given !== null) return { digest: given, lines: [] };
  if (parsed === null) throw new PlangateError("bad-arguments", "--digest needs --plans");
  const bundles = [...parsed.bundles];
  for (const file of evidence) {
    bundles.push(...receiveEvidence(await readJson(file, io), file).map((bundle) => bundle.parsed));
  }
  const lines = bundles.flatMap(planLines);
  return { digest: plansDigest(bundles), lines: lines.length === 0 ? ["there are none in these files"] : lines };
}

function planLines({ bundle }: TrustedBundle): string[] {
  return (bundle.plans ?? []).map(({ phase, query, server }) =>
    shorten(`${phase.padEnd(6)}  ${printable((server ?? bundle.server).name)}  ${paragraph(query)}`, 76),
  );
}

import type { Command } from "commander";
import { tokenForms } from "../../adapters/tokens/claims.ts";
import { signToken } from "../../adapters/tokens/sign-token.ts";
import { confirmationCode } from "../../core/confirmation-code.ts";
import { PlangateError } from "../../core/errors.ts";
import { didYouMean } from "../../core/policy/suggest.ts";
import { rules as everyRule } from "../../core/rules/index.ts";
import { printable } from "../../output/printable.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { collect } from "./options.ts";
import { openSigning, type SignOptions, withSignOptions } from "./token-options.ts";

interface OverrideSignOptions extends SignOptions {
  rule: string[];
  reason: string;
}

export function buildOverrideSign(io: CommandIo): Command {
  const command = newCommand(io, {
    name: "sign",
    summary: "Signs an override: named rules do not block one exact request. Prints the token.",
    examples: [
      "plangate override sign --request request.json --rule change-window --reason 'Index is missing, queries take 38 s' \\",
      "    --ticket INC-2041 --key ~/.plangate/dba-2026.private.pem --kid dba-2026 --subject dba@example.com",
    ],
  });
  return withSignOptions(command)
    .option("--rule <ID>", "rule to waive (repeatable)", collect, [])
    .requiredOption("--reason <TEXT>", "why; it is kept with the decision")
    .action((options: OverrideSignOptions) => run(options, io));
}

async function run(options: OverrideSignOptions, io: CommandIo): Promise<void> {
  const rules = [...new Set(options.rule)];
  checkRules(rules);
  const { key, target, common } = await openSigning("override", options, io);
  const { reason, ticket } = options;
  const token = signToken(
    tokenForms.override,
    { ...common, rules, reason, ...(ticket === undefined ? {} : { ticket }) },
    key,
  );
  io.stderr(
    [
      `plangate: ${rules.join(", ")} waived for one deploy to ${printable(target.environment)}`,
      `  request  ${target.requestDigest}`,
      `  code     ${confirmationCode(target.requestDigest)}  (whoever asks must see the same)`,
      `  counts   once, at ${printable(common.aud)}, until ${new Date(common.exp * 1000).toISOString()}, as ${common.jti}`,
      "",
    ].join("\n"),
  );
  io.stdout(`${token}\n`);
}

function checkRules(rules: readonly string[]): void {
  if (rules.length === 0) throw new PlangateError("bad-arguments", "name each rule to waive with --rule");
  const known = [...everyRule.keys()];
  for (const rule of rules) {
    if (rule === "unmatched") {
      throw new PlangateError("bad-arguments", "unmatched cannot be waived: a policy has to say what is allowed");
    }
    if (!everyRule.has(rule)) {
      const hint = didYouMean(rule, known);
      const message = `there is no rule ${JSON.stringify(rule)}${hint === "" ? ";" : hint} rules: ${known.join(", ")}`;
      throw new PlangateError("bad-arguments", message);
    }
  }
}

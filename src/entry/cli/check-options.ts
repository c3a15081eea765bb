import { type Command, Option } from "commander";
import { migrationFormats } from "../../core/request.ts";
import { type CommandText, newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { collect, durationOption, instantOption } from "./options.ts";

export const checkFormats = ["text", "json", "sarif", "github"] as const;

export interface CheckOptions {
  request?: string;
  policies?: string;
  config?: string;
  environment?: string;
  service?: string;
  database?: string;
  commit?: string;
  image: string[];
  description?: string;
  requestedBy?: string;
  aiAssisted?: true;
  migrationFormat?: (typeof migrationFormats)[number];
  evidence: string[];
  approval: string[];
  override: string[];
  at?: Date;
  duration?: string;
  unmatched?: "approve" | "reject";
  format: (typeof checkFormats)[number];
}

/** The command with the flags that describe a deploy request. */
export function requestCommand(io: CommandIo, text: CommandText): Command {
  return newCommand(io, text)
    .argument("[FILE.sql...]", 'migrations in the order in which they run; "-" reads standard input')
    .option("--request <FILE>", "deploy request as JSON; the flags here beat it")
    .option("--policies <DIR>", "policy directory (default: that of the configuration, or else policies)")
    .option("--environment <NAME>", "where it would be deployed")
    .option("--service <NAME>", "what would be deployed")
    .option("--database <NAME>", "database that the migrations change")
    .option("--commit <SHA>", "commit that would be deployed")
    .option("--image <IMAGE>", "image that would be deployed, by its digest: NAME@sha256:… (repeatable)", collect, [])
    .option("--description <TEXT>", "what the change is, such as the commit message")
    .option("--requested-by <WHO>", "who asks; their own approval does not count")
    .option("--ai-assisted", "an AI assistant helped to write the change")
    .addOption(new Option("--migration-format <FORMAT>", "how the files are read").choices(migrationFormats))
    .option(
      "--evidence <FILE>",
      "evidence bundle, or an array of them; adds to the request's (repeatable)",
      collect,
      [],
    )
    .option(
      "--approval <NAME>",
      "who has approved the query plans, by name or token; adds to the request's (repeatable)",
      collect,
      [],
    )
    .option("--override <TOKEN>", "override token; adds to the request's (repeatable)", collect, [])
    .option("--at <TIME>", "decide as of this moment (RFC 3339; default: now)", instantOption)
    .addOption(new Option("--duration <TIME>", 'how long the deploy takes: "10m"').argParser(checkedDuration))
    .addOption(
      new Option("--unmatched <ACTION>", "what happens where no policy applies (default: reject)").choices([
        "reject",
        "approve",
      ]),
    )
    .option("--config <FILE>", "the gate's configuration (default: plangate.yaml, where there is one)")
    .addOption(new Option("--format <FORMAT>", "how the decision is printed").choices(checkFormats).default("text"));
}

/** The request holds the text; a wrong one should be blamed on the flag. */
function checkedDuration(text: string): string {
  durationOption(text);
  return text;
}

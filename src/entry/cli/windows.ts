import { type Command, Option } from "commander";
import { describeWindows, type WindowsAnswer } from "../../app/windows.ts";
import { PlangateError } from "../../core/errors.ts";
import { type ChangeKind, changeKinds, type PolicySet } from "../../core/policy/policy.ts";
import { formatWindowsText, type WindowsReport } from "../../output/windows.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { durationOption, instantOption, wholeNumberOption } from "./options.ts";
import { readConfig, readPolicies } from "./settings.ts";

interface WindowsOptions {
  policies?: string;
  config?: string;
  environment: string;
  service: string;
  changes: ChangeKind;
  at?: Date;
  duration?: number;
  count: number;
  format: "text" | "json";
}

export function build(io: CommandIo): Command {
  return newCommand(io, {
    name: "windows",
    summary: "Show whether a deploy may start, and the next intervals in which it may.",
    examples: ["plangate windows --policies policies --environment production --service orders --duration 10m"],
  })
    .requiredOption("--environment <NAME>", "where it would be deployed")
    .requiredOption("--service <NAME>", "what would be deployed")
    .option("--policies <DIR>", "policy directory (default: that of the configuration, or else policies)")
    .option("--config <FILE>", "the gate's configuration (default: plangate.yaml, where there is one)")
    .addOption(new Option("--changes <KIND>", "what the deploy changes").choices(changeKinds).default("schema"))
    .option("--at <TIME>", "as of this moment (RFC 3339; default: now)", instantOption)
    .option(
      "--duration <TIME>",
      'how long the deploy takes: "10m"; the policies\' own duration is the least',
      durationOption,
    )
    .option("--count <N>", "how many intervals to show", wholeNumberOption(1, 100), 5)
    .addOption(new Option("--format <FORMAT>", "how it is printed").choices(["text", "json"]).default("text"))
    .action((options: WindowsOptions) => run(options, io));
}

async function run(options: WindowsOptions, io: CommandIo): Promise<void> {
  const { service, environment, changes, count } = options;
  const at = options.at ?? io.now();
  const set = await readPolicies(options.policies, readConfig(options.config, io), io, at);
  const answer = describeWindows(set, {
    service,
    environment,
    changes,
    at,
    durationMs: options.duration ?? null,
    count,
  });
  if (answer.policies.length === 0) throw noPolicy(options, set);
  const report = { service, environment, changes, at, ...answer };
  if (options.format === "json") io.stdout(toJson(report, answer, set));
  else {
    const colour = io.isTTY && (io.env.NO_COLOR ?? "") === "";
    io.stdout(formatWindowsText(report, { width: Math.min(io.columns, 80), colour }));
  }
}

/** "Open" would be wrong: what no policy allows is rejected. */
function noPolicy({ service, environment, changes }: WindowsOptions, { policies }: PolicySet): PlangateError {
  const known = policies.map(({ id }) => id).join(", ");
  return new PlangateError(
    "unmatched",
    `No policy applies to ${changes} changes of ${service} in ${environment}; such a deploy is rejected. The policies are: ${known}.`,
  );
}

function toJson(report: WindowsReport, { intervals }: WindowsAnswer, set: PolicySet): string {
  const { service, environment, changes, at, policies, window } = report;
  const value = {
    service,
    environment,
    changes,
    at,
    policies,
    policyDigest: set.digest,
    timeZoneDatabase: process.versions.tz ?? "unknown",
    window,
    intervals: intervals.map(({ start, end, because }) => ({ start, end, because })),
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

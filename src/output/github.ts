import type { Decision } from "../core/decision.ts";
import { localAndUtc } from "../core/local-time.ts";
import { type FindingGroup, sortFindings } from "./findings.ts";
import { paragraph, printable, printableLines } from "./printable.ts";

type Level = "error" | "warning" | "notice";

/** Workflow commands of GitHub Actions: the verdict, then one annotation per finding on its file and line. */
export function formatGithub(decision: Decision): string {
  const { blocking, waived, warnings, dryRun } = sortFindings(decision);
  const commands = [
    verdictCommand(decision),
    ...blocking.flatMap((group) => annotations("error", group, "")),
    ...warnings.flatMap((group) => annotations("warning", group, "")),
    ...waived.flatMap((group) =>
      annotations("notice", group, `Waived by ${printable(group.finding.waivedBy ?? "an override")}. `),
    ),
    ...dryRun.flatMap((group) => annotations("notice", group, "Dry run, would block: ")),
    ...decision.warnings.map((warning) => command("warning", { title: "plangate" }, paragraph(warning))),
  ];
  return `${commands.join("\n")}\n`;
}

function verdictCommand(decision: Decision): string {
  const { service, environment, window } = decision;
  const title = `plangate ${decision.decision} ${service} to ${environment}`;
  const when = (instant: string) => localAndUtc(new Date(instant), window.timeZone);
  if (decision.allowed) {
    const until = decision.notAfter === null ? "Approved." : `Approved. Start it before ${when(decision.notAfter)}.`;
    return command("notice", { title }, until);
  }
  const rules = [...new Set(sortFindings(decision).blocking.map(({ finding }) => finding.ruleId))].join(", ");
  const next = window.fits || window.nextFit === null ? "" : ` The calendar allows it from ${when(window.nextFit)}.`;
  return command("error", { title }, `Rejected by ${rules === "" ? "the gate" : printable(rules)}.${next}`);
}

/** One at every place where it was found. */
function annotations(level: Level, { finding, policies, locations }: FindingGroup, prefix: string): string[] {
  const help = finding.help === null ? [] : printableLines(finding.help);
  const origin = policies.length === 0 ? [] : [`Policy: ${policies.map(printable).join(", ")}`];
  const message = [`${prefix}${paragraph(finding.message)}`, ...help, ...origin].join("\n");
  const title = `${finding.ruleId}: ${finding.subject}`;
  if (locations.length === 0) return [command(level, { title }, message)];
  return locations.map(({ path, line, column }) =>
    command(
      level,
      { file: path, line: String(line), ...(column !== undefined && { col: String(column) }), title },
      message,
    ),
  );
}

/** Escaping as the runner's own toolkit does it (github.com/actions/toolkit, packages/core/src/command.ts). */
export function command(level: Level, properties: Record<string, string>, message: string): string {
  const list = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(printable(value))}`);
  return `::${level} ${list.join(",")}::${escapeData(message)}`;
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

import type { WindowState } from "../core/decision.ts";
import { localAndUtc } from "../core/local-time.ts";
import { palette } from "./colour.ts";
import { paragraph, printable, wrap } from "./printable.ts";
import type { TextOptions } from "./text.ts";
import { roughDuration } from "./time.ts";

export interface WindowsReport {
  service: string;
  environment: string;
  changes: string;
  at: Date;
  /** Ids of the policies that apply. */
  policies: readonly string[];
  window: WindowState;
  intervals: readonly { start: Date; end: Date | null; because: readonly { policy: string; text: string }[] }[];
}

/** Is it open, since when, until when, and the intervals to come, each with what ends it. */
export function formatWindowsText(report: WindowsReport, { width, colour }: TextOptions): string {
  const { window } = report;
  const paint = palette(colour);
  const show = (instant: string) => localAndUtc(new Date(instant), window.timeZone);
  const facts: [string, string | null][] = [
    ["since", window.since && show(window.since)],
    ["closes", window.nextClose && show(window.nextClose)],
    ["opens", window.nextOpen && show(window.nextOpen)],
    [`${window.duration} fit`, startText(report, show)],
    ["policies", report.policies.map(printable).join(", ")],
  ];
  const lines = facts.flatMap(([label, value]) => (value === null ? [] : [`  ${label.padEnd(10)} ${value}`]));
  const because = window.because.flatMap(({ policy, text }) =>
    wrap(paragraph(`${policy}: ${text}`), width - 4).map((line, index) => (index === 0 ? `  ${line}` : `    ${line}`)),
  );
  const state = window.open ? paint.good("OPEN") : paint.bad("CLOSED");
  return `${[
    `${state}  ${paint.strong(`${printable(report.service)} to ${printable(report.environment)}`)}, ${printable(report.changes)} changes`,
    `at ${localAndUtc(report.at, window.timeZone)}`,
    "",
    ...lines,
    ...(because.length === 0 ? [] : ["", `${window.open && window.fits ? "Open" : "Held up"} by:`, ...because]),
    "",
    ...intervalLines(report, width),
  ].join("\n")}\n`;
}

function startText({ window }: WindowsReport, show: (instant: string) => string): string {
  if (window.fits) return window.latestStart === null ? "now" : `now, until ${show(window.latestStart)} at the latest`;
  return window.nextFit === null ? (window.neverOpensReason ?? "not in sight") : `from ${show(window.nextFit)} on`;
}

function intervalLines({ intervals, window }: WindowsReport, width: number): string[] {
  if (intervals.length === 0)
    return [`No opening in sight: ${paragraph(window.neverOpensReason ?? "none in the next 400 days")}`];
  const lines = intervals.flatMap(({ start, end, because }) => {
    const length = end === null ? "no end in sight" : `for ${roughDuration(end.getTime() - start.getTime())}`;
    const reasons = because.map(({ policy, text }) => paragraph(`then closed by ${policy}: ${text}`));
    return [
      `  from ${localAndUtc(start, window.timeZone)}`,
      `  to   ${end === null ? "-" : localAndUtc(end, window.timeZone)}, ${length}`,
      ...reasons.flatMap((reason) => wrap(reason, width - 7).map((line) => `       ${line}`)),
    ];
  });
  return ["Open intervals:", ...lines];
}

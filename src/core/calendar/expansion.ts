import { dayMs } from "./civil.ts";
import { always, complement, type Interval, intersect, intervalAt, merge, subtract, touches } from "./intervals.ts";
import type { CalendarPolicy } from "./types.ts";
import { describeInterval, describeWindow, expandWindow, reasonOf, type WindowInterval } from "./windows.ts";
import { type TimeZone, timeZone } from "./zone.ts";

/** How far the calendar looks back and ahead. */
export const horizonMs = 400 * dayMs;

export interface CalendarBecause {
  /** Policy id. */
  policy: string;
  kind: "window" | "freeze";
  /**
   * The stretch that decides: the freeze, the merged windows of the policy that are open, or the gap between them that
   * is closed. null: it has no beginning or no end within 400 days.
   */
  interval: { start: Date; end: Date } | null;
  reason: string | null;
  /** "Tue–Thu 00:00–15:00 America/New_York", "Year-end freeze, 2026-12-24 to 2027-01-01". */
  text: string;
}

/** One policy's windows as intervals, complete for the range that they were asked for. */
export interface ExpandedPolicy {
  policy: string;
  zone: TimeZone;
  /** All allow windows in words; null: open except freezes. */
  text: string | null;
  allow: readonly WindowInterval[];
  freeze: readonly WindowInterval[];
  /** Merged; `always` without allow windows. */
  allowed: readonly Interval[];
  open: readonly Interval[];
  range: Interval;
}

export function expandPolicy({ policy, changeWindow }: CalendarPolicy, range: Interval): ExpandedPolicy {
  const zone = timeZone(changeWindow.timeZone);
  const { allow } = changeWindow;
  const allowIntervals = (allow ?? []).flatMap((window) => expandWindow(window, zone, range, "allow"));
  const freeze = changeWindow.freeze.flatMap((window) => expandWindow(window, zone, range, "freeze"));
  const allowed = allow === null ? always : merge(allowIntervals);
  const words = allow === null || allow.length === 0 ? null : `${allow.map(describeWindow).join(" or ")} ${zone.name}`;
  return {
    policy,
    zone,
    text: allow !== null && allow.length === 0 ? "no windows" : words,
    allow: allowIntervals,
    freeze,
    allowed,
    open: subtract(allowed, merge(freeze)),
    range,
  };
}

/** When all policies are open together, merged. */
export function openTogether(policies: readonly ExpandedPolicy[]): Interval[] {
  return policies.reduce<Interval[]>((open, policy) => intersect(open, policy.open), [...always]);
}

/** What keeps `span` from being open throughout: every policy whose windows leave a part out, and the first closure by every freeze. */
export function closers(policies: readonly ExpandedPolicy[], span: Interval): CalendarBecause[] {
  return policies.flatMap((policy) => {
    const gap = policy.text === null ? undefined : complement(policy.allowed).find((closed) => touches(closed, span));
    const outside: CalendarBecause[] =
      gap === undefined
        ? []
        : [
            {
              policy: policy.policy,
              kind: "window",
              interval: dates(gap, policy.range),
              reason: null,
              text: policy.text ?? "",
            },
          ];
    const freezes = policy.freeze.filter((freeze) => touches(freeze, span));
    return [...outside, ...freezes.filter(isFirstOfWindow).map((freeze) => becauseOfFreeze(policy, freeze))];
  });
}

function isFirstOfWindow({ window }: WindowInterval, index: number, all: readonly WindowInterval[]): boolean {
  return window.kind === "calendar" || all.findIndex((other) => other.window === window) === index;
}

function becauseOfFreeze(policy: ExpandedPolicy, freeze: WindowInterval): CalendarBecause {
  const { window, start, end } = freeze;
  const interval =
    window.kind === "recurring" ? dates(freeze, policy.range) : { start: new Date(start), end: new Date(end) };
  return {
    policy: policy.policy,
    kind: "freeze",
    interval,
    reason: reasonOf(freeze),
    text: describeInterval(freeze, policy.zone),
  };
}

/** The windows that an open instant lies in. A policy without allow windows has none. */
export function openers(policies: readonly ExpandedPolicy[], instant: number): CalendarBecause[] {
  return policies.flatMap((policy) => {
    const window = intervalAt(policy.allow, instant);
    const stretch = intervalAt(policy.allowed, instant);
    if (window === undefined || stretch === undefined) return [];
    const interval = dates(stretch, policy.range);
    const text = describeInterval(window, policy.zone);
    return [{ policy: policy.policy, kind: "window", interval, reason: reasonOf(window), text }];
  });
}

/** Beyond the range an end is only where the expansion stopped. */
function dates({ start, end }: Interval, range: Interval): { start: Date; end: Date } | null {
  return start >= range.start && end <= range.end ? { start: new Date(start), end: new Date(end) } : null;
}

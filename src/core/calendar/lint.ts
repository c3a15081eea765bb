import { formatDuration } from "../values.ts";
import { dayMs, formatLocalDate } from "./civil.ts";
import { coverageEnd } from "./icalendar.ts";
import { type Interval, merge } from "./intervals.ts";
import type { ChangeWindow, OneOffWindow, RecurringWindow } from "./types.ts";
import { describeWindow, expandWindow } from "./windows.ts";
import { timeZone, toLocal, utc } from "./zone.ts";

export interface ChangeWindowProblem {
  severity: "error" | "warning";
  code: "window-too-short" | "calendar-runs-out" | "calendar-empty";
  /** What is concerned: `allow[0]`, `freeze[2]`. */
  path: string;
  message: string;
}

const runsOutWithin = 90 * dayMs;

/** What a change window says about itself, and, where `at` is given, about that day. */
export function lintChangeWindow(window: ChangeWindow, at: Date | null = null): ChangeWindowProblem[] {
  return [...shortWindows(window), ...(at === null ? [] : endingCalendars(window, at))];
}

/** Adjoining windows count as one. Measured on the wall clock: a day of 23 hours makes no window wrong. */
function shortWindows({ allow, expectedDurationMs }: ChangeWindow): ChangeWindowProblem[] {
  return (allow ?? []).flatMap((window, index) => {
    const around = roundAbout(window);
    const stretches = merge((allow ?? []).flatMap((other) => expandWindow(other, utc, around, "allow")));
    const own = expandWindow(window, utc, around, "allow");
    const longest = Math.max(
      ...stretches
        .filter((stretch) => own.some(({ start }) => stretch.start <= start && start < stretch.end))
        .map(({ start, end }) => end - start),
    );
    if (longest >= expectedDurationMs) return [];
    const message = `${describeWindow(window)} lasts ${formatDuration(longest)}, less than the expectedDuration of ${formatDuration(expectedDurationMs)}`;
    return [{ severity: "error", code: "window-too-short", path: `allow[${index}]`, message }];
  });
}

/** Enough of the calendar to see all neighbours of a window. */
function roundAbout(window: RecurringWindow | OneOffWindow): Interval {
  if (window.kind === "recurring") return { start: 0, end: 28 * dayMs };
  const [own] = expandWindow(window, utc, { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY }, "allow");
  return own === undefined ? { start: 0, end: 0 } : { start: own.start - 14 * dayMs, end: own.end + 14 * dayMs };
}

function endingCalendars({ freeze, timeZone: name }: ChangeWindow, at: Date): ChangeWindowProblem[] {
  const zone = timeZone(name);
  return freeze.flatMap((window, index): ChangeWindowProblem[] => {
    if (window.kind !== "calendar") return [];
    const path = `freeze[${index}]`;
    const end = coverageEnd(window.calendar, zone);
    if (end === null) {
      return [
        {
          severity: "warning",
          code: "calendar-empty",
          path,
          message: `${window.path} holds no events and freezes nothing`,
        },
      ];
    }
    if (end === "endless" || end.getTime() >= at.getTime() + runsOutWithin) return [];
    const lastDay = formatLocalDate(toLocal(zone, end.getTime() - 1));
    const message = `${window.path} runs out: its last event ends on ${lastDay}, and nothing is frozen after that; add the coming events`;
    return [{ severity: "warning", code: "calendar-runs-out", path, message }];
  });
}

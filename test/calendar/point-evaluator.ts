import type { CalendarPolicy, FreezeWindow } from "../../src/core/calendar/types.ts";
import { weekdays } from "../../src/core/calendar/types.ts";
import { day, minute } from "./policies.ts";

/**
 * A second way to say whether a calendar is open at one instant: it never turns a local time into an instant, builds no
 * intervals, and shares no code with the product. It only looks at what the clock on the wall shows.
 *
 * Where clocks jump, `latest` is the most that the clock has shown so far and `least` the least that it is yet to show:
 * - a boundary is passed for the first time once the clock has shown it or more (`boundary <= latest`); that holds in
 *   the first pass of a repeated hour, and at the jump over a skipped one;
 * - it is passed for the last time once the clock will not show less any more (`boundary <= least`).
 * An allow lies between the first passes of its ends, a freeze between the first pass of its start and the last of its end.
 */
export function isOpenAt(policies: readonly CalendarPolicy[], instant: number): boolean {
  return policies.every(({ changeWindow: { timeZone, allow, freeze } }) => {
    const latest = Math.max(...samples(instant, -1).map((at) => wallClock(timeZone, at)));
    const least = Math.min(...samples(instant, 1).map((at) => wallClock(timeZone, at)));
    const allowed =
      allow === null ||
      allow.some((window) => spans(window, latest).some(({ from, to }) => from <= latest && latest < to));
    const frozen = freeze.some((window) => spans(window, latest).some(({ from, to }) => from <= latest && least < to));
    return allowed && !frozen;
  });
}

/** The instant, and the moments around it at which a clock may jump: quarters of an hour of UTC (or just before them), for three hours. */
function samples(instant: number, direction: 1 | -1): number[] {
  const quarter = 15 * minute;
  const nearest =
    direction === 1 ? Math.ceil(instant / quarter) * quarter : Math.floor(instant / quarter) * quarter - 1;
  return [instant, ...Array.from({ length: 13 }, (_, i) => nearest + direction * i * quarter)];
}

/** The spans of wall clock of a window, of the days near a wall clock. */
function spans(window: FreezeWindow, near: number): { from: number; to: number }[] {
  if (window.kind === "calendar") throw new Error("not part of this comparison");
  if (window.kind === "one-off") return [{ from: Date.parse(`${window.from}Z`), to: Date.parse(`${window.to}Z`) }];
  return [-2, -1, 0, 1].flatMap((offset) => {
    const midnight = Math.floor(near / day) * day + offset * day;
    const name = weekdays[(new Date(midnight).getUTCDay() + 6) % 7];
    if (name === undefined || !window.days.includes(name)) return [];
    const to = midnight + window.to * minute + (window.to < window.from ? day : 0);
    return [{ from: midnight + window.from * minute, to }];
  });
}

interface Clock {
  format: Intl.DateTimeFormat;
  shown: Map<number, number>;
}
const clocks = new Map<string, Clock>();

/** What the clock shows, as the milliseconds of an UTC clock that shows the same. */
function wallClock(timeZone: string, instant: number): number {
  let clock = clocks.get(timeZone);
  if (clock === undefined) {
    const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
    clock = { format, shown: new Map() };
    clocks.set(timeZone, clock);
  }
  const known = clock.shown.get(instant);
  if (known !== undefined) return known;
  const milliseconds = ((instant % 1000) + 1000) % 1000;
  const shown = Date.parse(`${clock.format.format(instant).replace(" ", "T")}Z`) + milliseconds;
  clock.shown.set(instant, shown);
  return shown;
}

/** The quarters of an hour at which a zone's offset changes, each with the local minute of the day that its clocks showed before. */
export function changesOf(
  timeZone: string,
  fromYear: number,
  toYear: number,
): { instant: number; minuteOfDay: number }[] {
  const found: { instant: number; minuteOfDay: number }[] = [];
  const offset = (at: number) => wallClock(timeZone, at) - at;
  for (let midnight = Date.UTC(fromYear, 0, 1); midnight < Date.UTC(toYear, 0, 1); midnight += day) {
    if (offset(midnight) === offset(midnight + day)) continue;
    let instant = midnight;
    while (offset(instant) === offset(midnight)) instant += 15 * minute;
    const shown = instant + offset(midnight);
    found.push({ instant, minuteOfDay: (shown % day) / minute });
  }
  return found.length > 0 ? found : [{ instant: Date.UTC(fromYear, 5, 1), minuteOfDay: 12 * 60 }];
}

import type { CalendarPolicy, FreezeWindow } from "../../src/core/calendar/types.ts";
import { weekdays } from "../../src/core/calendar/types.ts";
import { day, minute } from "./policies.ts";

/**
 * A second way to say whether a calendar is open at one instant: it never turns a local time into an instant, builds no
 * intervals, and shares no code with the product. It only looks at what the clock on the wall shows.
 *
 * Where clocks jump, `latest` is the most that the clock has shown up to now, and `back` the least that it shows right
 * after one of the next jumps:
 * - a boundary has been passed for the first time once the clock has shown it or more (`boundary <= latest`); that is so
 *   from the first pass of a repeated hour on, and from the jump over a skipped one;
 * - its last pass is ahead while the clock shows less, or is going to be set back to it or further (`back <= boundary`).
 * An allow lies between the first passes of its ends, a freeze between the first pass of its start and the last of its end.
 */
export function isOpenAt(policies: readonly CalendarPolicy[], instant: number): boolean {
  return policies.every(({ changeWindow: { timeZone, allow, freeze } }) => {
    const shown = wallClock(timeZone, instant);
    const latest = Math.max(shown, ...jumps(instant, -1).map((at) => wallClock(timeZone, at)));
    const back = Math.min(...jumps(instant, 1).map((at) => wallClock(timeZone, at)));
    const isAllowed = ({ from, to }: Span) => from <= latest && latest < to;
    const isFrozen = ({ from, to }: Span) => from <= latest && (shown < to || back <= to);
    return (
      (allow === null || allow.some((window) => spans(window, latest).some(isAllowed))) &&
      !freeze.some((window) => spans(window, latest).some(isFrozen))
    );
  });
}

interface Span {
  from: number;
  to: number;
}

/** Clocks jump at quarters of an hour of UTC: those of the next three hours, or the last milliseconds before those that were. */
function jumps(instant: number, direction: 1 | -1): number[] {
  const quarter = 15 * minute;
  const passed = Math.floor(instant / quarter) * quarter;
  const nearest = direction === 1 ? passed + quarter : passed - 1;
  return Array.from({ length: 13 }, (_, i) => nearest + direction * i * quarter);
}

/** The spans of wall clock of a window, of the days near a wall clock. */
function spans(window: FreezeWindow, near: number): Span[] {
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

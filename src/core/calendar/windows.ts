import { dayMs, formatLocalDate, formatLocalTime, minuteMs, parseWallClock, weekdayIndex } from "./civil.ts";
import { expandICalendar } from "./icalendar.ts";
import { type Interval, merge, touches } from "./intervals.ts";
import { type FreezeWindow, type OneOffWindow, type RecurringWindow, type Weekday, weekdays } from "./types.ts";
import { type TimeZone, toInstants, toLocal } from "./zone.ts";

/** One opening or closure of a window, as far as it is known for the range asked for. */
export interface WindowInterval extends Interval {
  window: FreezeWindow;
  /** The event of an iCalendar file; null for other windows. */
  event: { allDay: boolean; summary: string | null } | null;
}

/** In an hour that clocks show twice an allow takes the first pass at both ends, a freeze all of it. */
export type Pass = "allow" | "freeze";

/** What windows, which never change, were expanded to: a gate asks for nearly the same range with each request. By zone and pass. */
const expanded = new WeakMap<FreezeWindow, Map<string, { range: Interval; intervals: WindowInterval[] }>>();
const worthKeepingMs = 100 * dayMs;
const aheadMs = 30 * dayMs;

/** The intervals of a window that touch `range`, sorted. */
export function expandWindow(window: FreezeWindow, zone: TimeZone, range: Interval, pass: Pass): WindowInterval[] {
  const ofWindow = expanded.get(window) ?? new Map<string, { range: Interval; intervals: WindowInterval[] }>();
  const name = `${zone.name} ${pass}`;
  let known = ofWindow.get(name);
  if (known === undefined || known.range.start > range.start || known.range.end < range.end) {
    const length = range.end - range.start;
    if (length < worthKeepingMs || !Number.isFinite(length)) return expand(window, zone, range, pass);
    const wider = { start: range.start - dayMs, end: range.end + aheadMs };
    known = { range: wider, intervals: expand(window, zone, wider, pass) };
    expanded.set(window, ofWindow.set(name, known));
  }
  return known.intervals.filter((interval) => touches(interval, range));
}

function expand(window: FreezeWindow, zone: TimeZone, range: Interval, pass: Pass): WindowInterval[] {
  if (window.kind === "calendar") {
    return expandICalendar(window.calendar, zone, range)
      .filter(({ start, end }) => start < end)
      .map((event) => ({ start: event.start, end: event.end, window, event }));
  }
  const locals = window.kind === "recurring" ? recurringLocals(window, range) : [oneOffLocals(window)];
  const intervals = locals.map(({ start, end }) => {
    const last = toInstants(zone, end);
    return { start: toInstants(zone, start).first, end: pass === "freeze" ? last.last : last.first };
  });
  return merge(intervals)
    .filter((interval) => touches(interval, range))
    .map(({ start, end }) => ({ start, end, window, event: null }));
}

export function reasonOf({ window, event }: WindowInterval): string | null {
  return window.reason ?? event?.summary ?? null;
}

/** "No changes on Fridays, Fri 00:00–24:00 America/New_York", "Year-end freeze, 2026-12-24 to 2027-01-01", "Holidays: Epiphany, 2026-01-06". */
export function describeInterval(interval: WindowInterval, zone: TimeZone): string {
  const { window, event } = interval;
  const name = window.reason !== null && event?.summary ? `${window.reason}: ${event.summary}` : reasonOf(interval);
  const when = describeWhen(interval, zone);
  return name === null ? when : `${name}, ${when}`;
}

function describeWhen({ window, event, start, end }: WindowInterval, zone: TimeZone): string {
  if (window.kind === "recurring") return `${describeWindow(window)} ${zone.name}`;
  if (window.kind === "one-off") return window.label;
  return event?.allDay ? describeDates(zone, { start, end }) : describeTimes(zone, { start, end });
}

function oneOffLocals({ from, to }: OneOffWindow): Interval {
  const start = parseWallClock(from);
  const end = parseWallClock(to);
  if (start === null || end === null) throw new RangeError(`Not a wall clock: ${JSON.stringify({ from, to })}`);
  return { start, end };
}

function recurringLocals({ days, from, to }: RecurringWindow, range: Interval): Interval[] {
  const locals: Interval[] = [];
  const open = weekdays.map((weekday) => days.includes(weekday));
  // Two days more at each side: the zone's offset, and the day before that reaches across midnight.
  const lastDay = Math.floor(range.end / dayMs) + 2;
  for (let day = Math.floor(range.start / dayMs) - 2; day <= lastDay; day++) {
    if (!open[weekdayIndex(day)]) continue;
    const end = to < from ? (day + 1) * dayMs : day * dayMs;
    locals.push({ start: day * dayMs + from * minuteMs, end: end + to * minuteMs });
  }
  return locals;
}

/** "Tue–Thu 00:00–15:00", "2026-01-10". */
export function describeWindow(window: RecurringWindow | OneOffWindow): string {
  if (window.kind === "one-off") return window.label;
  return `${describeDays(window.days)} ${formatMinute(window.from)}–${formatMinute(window.to)}`;
}

function formatMinute(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

/** Three or more in a row as a range, around the end of the week too: "Tue–Thu", "Fri–Mon", "Mon, Wed". */
function describeDays(days: readonly Weekday[]): string {
  const chosen = weekdays.filter((weekday) => days.includes(weekday));
  if (chosen.length === weekdays.length) return "daily";
  const first = weekdays.findIndex((weekday, i) => days.includes(weekday) && !days.includes(weekdayBefore(i)));
  const turned = [...weekdays.slice(first), ...weekdays.slice(0, first)];
  const isRun = turned.slice(0, chosen.length).every((weekday) => days.includes(weekday));
  return isRun && chosen.length > 2 ? `${turned[0]}–${turned[chosen.length - 1]}` : chosen.join(", ");
}

function weekdayBefore(index: number): Weekday {
  return weekdays[index - 1] ?? "Sun";
}

function describeDates(zone: TimeZone, { start, end }: Interval): string {
  const first = formatLocalDate(toLocal(zone, start));
  const last = formatLocalDate(toLocal(zone, end - 1));
  return first === last ? first : `${first} to ${last}`;
}

function describeTimes(zone: TimeZone, { start, end }: Interval): string {
  return `${formatLocalTime(toLocal(zone, start))} to ${formatLocalTime(toLocal(zone, end))} ${zone.name}`;
}

import { dayMs, dayNumber } from "./civil.ts";
import { readEvents } from "./icalendar/events.ts";
import { readComponents } from "./icalendar/lines.ts";
import {
  type EventLength,
  type EventTime,
  type ICalendar,
  ICalendarError,
  type ICalendarEvent,
  type RecurrenceRule,
} from "./icalendar/model.ts";
import { lastOccurrenceBefore, occurrences } from "./icalendar/recurrence.ts";
import { readTimeZones } from "./icalendar/time-zones.ts";
import { type Interval, touches } from "./intervals.ts";
import { type TimeZone, toInstants, toLocal, utc } from "./zone.ts";

export { type ICalendar, ICalendarError };

/**
 * Reads an iCalendar file (RFC 5545). Everything that could make its expansion fail or run long is found here.
 * @param source the file's name, for errors
 * @throws ICalendarError (code "icalendar") that names source, line and what is allowed
 */
export function parseICalendar(text: string, source: string): ICalendar {
  const calendars = readComponents(text, source);
  const events = calendars.flatMap((calendar) => readEvents(calendar, source, readTimeZones(calendar, source)));
  refuseTooMany(events, source);
  return { source, events };
}

/** What one state looks at is about this long, and holds at most so many occurrences. */
const sampleMs = 800 * dayMs;
const mostOccurrences = 200_000;

function refuseTooMany(events: readonly ICalendarEvent[], source: string): void {
  let left = mostOccurrences;
  for (const { rules, start, additions, line } of events) {
    left -= 1 + additions.length;
    for (const rule of rules) {
      const end = Math.min(start.local + sampleMs, rule.until?.local ?? Number.POSITIVE_INFINITY);
      for (const _ of occurrences(rule, start.local, { start: start.local, end })) {
        left--;
        if (left < 0) break;
      }
    }
    if (left < 0)
      throw new ICalendarError(
        source,
        line,
        `more than ${mostOccurrences} occurrences up to here; write fewer, longer events`,
      );
  }
}

/** One occurrence of an event. */
export interface Occurrence extends Interval {
  allDay: boolean;
  summary: string | null;
}

/** Occurrences that touch `range`, sorted by start. Floating times and dates are those of `zone`. */
export function expandICalendar(calendar: ICalendar, zone: TimeZone, range: Interval): Occurrence[] {
  return calendar.events.flatMap((event) => expandEvent(event, zone, range)).sort((a, b) => a.start - b.start);
}

/** The end of the last occurrence; "endless" for a series that never ends; null for a calendar without events. */
export function coverageEnd(calendar: ICalendar, zone: TimeZone): Date | "endless" | null {
  let last: number | null = null;
  for (const event of calendar.events) {
    for (const rule of event.rules) {
      if (rule.until === null && lastOccurrenceBefore(rule, event.start.local, farFuture) !== null) return "endless";
    }
    const starts = [event.start.local, ...event.additions.map(({ start }) => start.local)];
    for (const rule of event.rules) {
      const end = lastOccurrenceBefore(rule, event.start.local, (rule.until?.local ?? farFuture) + dayMs);
      if (end !== null) starts.push(end);
    }
    const final = Math.max(...starts);
    for (const from of [final, event.start.local]) {
      const found = expandEvent(event, zone, { start: from - 3 * dayMs, end: final + 3 * dayMs });
      for (const { end } of found) last = Math.max(last ?? end, end);
      if (found.length > 0) break;
    }
  }
  return last === null ? null : new Date(last);
}

/** A rule without UNTIL that has any occurrence before it has no end. */
const farFuture = dayNumber(2900, 1, 1) * dayMs;

function expandEvent(event: ICalendarEvent, zone: TimeZone, range: Interval): Occurrence[] {
  const eventZone = zoneOf(event.start, zone);
  const own = intervalOf(event.start, event.length, zone);
  const starts = new Map<number, { start: EventTime; length: EventLength | null }>();
  starts.set(own.start, { start: event.start, length: null });
  for (const rule of event.rules) {
    for (const local of ruleStarts(rule, event.start, own.end - own.start, eventZone, range)) {
      const start = { ...event.start, local };
      starts.set(toInstants(eventZone, local).first, { start, length: null });
    }
  }
  for (const addition of event.additions)
    starts.set(toInstants(zoneOf(addition.start, zone), addition.start.local).first, addition);
  const excluded = exclusions(event, zone);
  const exact = event.length.kind === "until" ? own.exact : null;
  const found: Occurrence[] = [];
  for (const { start, length } of starts.values()) {
    if (excluded(start)) continue;
    const interval = intervalOf(start, length ?? event.length, zone, length === null ? exact : null);
    if (touches(interval, range)) {
      found.push({ start: interval.start, end: interval.end, allDay: start.kind === "date", summary: event.summary });
    }
  }
  return found;
}

function* ruleStarts(
  rule: RecurrenceRule,
  start: EventTime,
  lengthMs: number,
  zone: TimeZone,
  range: Interval,
): Generator<number> {
  const { until } = rule;
  const within = {
    start: toLocal(zone, range.start) - lengthMs - 2 * dayMs,
    end: Math.min(toLocal(zone, range.end), until?.local ?? Number.POSITIVE_INFINITY) + 2 * dayMs,
  };
  for (const local of occurrences(rule, start.local, within)) {
    if (until === null || isReached(until, local, zone)) yield local;
  }
}

/** UNTIL is inclusive; a date holds for all of its day. */
function isReached(until: EventTime, local: number, zone: TimeZone): boolean {
  if (until.kind === "date") return local < until.local + dayMs;
  if (until.kind === "zoned" && until.zone === utc) return toInstants(zone, local).first <= until.local;
  return local <= until.local;
}

function zoneOf(time: EventTime, policyZone: TimeZone): TimeZone {
  return time.kind === "zoned" ? time.zone : policyZone;
}

/**
 * A freeze runs from the first pass of its start to the last pass of its end. `exact` is the length that DTSTART and
 * DTEND of a series fix for all of its occurrences.
 */
function intervalOf(
  start: EventTime,
  length: EventLength,
  policyZone: TimeZone,
  exact: number | null = null,
): Interval & { exact: number } {
  const zone = zoneOf(start, policyZone);
  const first = toInstants(zone, start.local).first;
  if (length.kind === "until") {
    const own = () => toInstants(zoneOf(length.end, policyZone), length.end.local).first - first;
    const elapsed = Math.max(0, exact ?? own());
    return { start: first, end: lastPass(zone, first, first + elapsed), exact: elapsed };
  }
  if (start.kind === "date") {
    return { start: first, end: toInstants(zone, start.local + length.days * dayMs).last, exact: 0 };
  }
  const nominal = length.days === 0 ? first : toInstants(zone, start.local + length.days * dayMs).first;
  return { start: first, end: lastPass(zone, first, nominal + length.ms), exact: 0 };
}

function lastPass(zone: TimeZone, start: number, end: number): number {
  return end === start ? end : toInstants(zone, toLocal(zone, end)).last;
}

function exclusions(event: ICalendarEvent, policyZone: TimeZone): (start: EventTime) => boolean {
  const dates = new Set<number>();
  const instants = new Set<number>();
  for (const exclusion of event.exclusions) {
    if (exclusion.kind === "date") dates.add(exclusion.local);
    else instants.add(toInstants(zoneOf(exclusion, policyZone), exclusion.local).first);
  }
  return (start) =>
    dates.has(Math.floor(start.local / dayMs) * dayMs) ||
    (start.kind !== "date" && instants.has(toInstants(zoneOf(start, policyZone), start.local).first));
}

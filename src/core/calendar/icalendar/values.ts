import { dayMs, hourMs, minuteMs, parseWallClock, secondMs } from "../civil.ts";
import type { TimeZone } from "../zone.ts";
import { isTimeZone, timeZone, utc } from "../zone.ts";
import { type Property, quoted } from "./lines.ts";
import { type EventLength, type EventTime, ICalendarError } from "./model.ts";

/** What values of one file need to be understood. */
export interface Context {
  source: string;
  /** By TZID: the file's own VTIMEZONEs. */
  zones: ReadonlyMap<string, TimeZone>;
}

export function invalid(context: Context, property: Property, message: string): ICalendarError {
  return new ICalendarError(context.source, property.line, message);
}

export function textOf(property: Property | undefined): string | null {
  const value = property?.values[0];
  return typeof value === "string" ? value : null;
}

/** The dates and date-times of a property; periods (RDATE) come with their length. */
export function timesOf(context: Context, property: Property): { start: EventTime; length: EventLength | null }[] {
  // ical.js cuts values to the digits that it expects: what it gives must be what the line says.
  const written = property.values.map((value) =>
    Array.isArray(value) ? value.map(compact).join("/") : compact(value),
  );
  if (!property.text.endsWith(`:${written.join(",")}`)) throw invalid(context, property, expected(property));
  return property.values.map((value) => {
    if (!Array.isArray(value)) return { start: readTime(context, property, value), length: null };
    const [start, end] = value;
    const isLength = typeof end === "string" && /^[+-]?P/.test(end);
    const length: EventLength = isLength
      ? readDuration(context, property, end)
      : { kind: "until", end: readTime(context, property, end) };
    return { start: readTime(context, property, start), length };
  });
}

export function timeOf(context: Context, property: Property): EventTime {
  const [time, ...more] = timesOf(context, property);
  if (time === undefined || time.length !== null || more.length > 0)
    throw invalid(context, property, expected(property));
  return time.start;
}

function compact(value: unknown): string {
  const text = String(value);
  return /^[+-]?P/.test(text) ? text : text.replaceAll(/[-:]/g, "");
}

function expected(property: Property): string {
  return `${quoted(property.text)}: expected a date (;VALUE=DATE:20261224) or a date-time (:20261224T180000, with Z for UTC)`;
}

function readTime(context: Context, property: Property, value: unknown): EventTime {
  const text = String(value);
  if (property.type === "date") {
    const local = parseWallClock(`${text}T00:00:00`);
    if (local === null) throw invalid(context, property, expected(property));
    return { kind: "date", local };
  }
  const isUtc = text.endsWith("Z");
  const local = parseWallClock(isUtc ? text.slice(0, -1) : text);
  if (local === null) throw invalid(context, property, expected(property));
  if (isUtc) return { kind: "zoned", local, zone: utc };
  const id = property.parameters.get("tzid");
  return id === undefined
    ? { kind: "floating", local }
    : { kind: "zoned", local, zone: findZone(context, property, id) };
}

/** The database's own rules before the file's copy of them, which is often old or cut short. */
function findZone(context: Context, property: Property, id: string): TimeZone {
  if (isTimeZone(id)) return timeZone(id);
  const own = context.zones.get(id);
  if (own === undefined) {
    throw invalid(
      context,
      property,
      `unknown time zone ${quoted(id)}: it is no IANA name ("America/New_York"), and no VTIMEZONE of the file defines it`,
    );
  }
  return own;
}

const durationForm = /^\+?P(?:(\d{1,5})W|(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,9})M)?(?:(\d{1,11})S)?)?)$/;

/** RFC 5545 section 3.3.6: weeks and days nominal, the rest exact. */
export function readDuration(context: Context, property: Property, value: unknown): EventLength & { kind: "duration" } {
  const match = durationForm.exec(String(value));
  if (match === null || !/\d[WDHMS]$/.test(String(value))) {
    throw invalid(
      context,
      property,
      `${quoted(property.text)}: expected a duration that is not negative, such as P1D or PT8H`,
    );
  }
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map((digits) => Number(digits ?? 0));
  return { kind: "duration", days: weeks * 7 + days, ms: hours * hourMs + minutes * minuteMs + seconds * secondMs };
}

/** Whole days for a date, milliseconds otherwise. */
export function lengthInDays(from: EventTime, to: EventTime): number {
  return (to.local - from.local) / dayMs;
}

import { PlangateError } from "../../errors.ts";
import type { TimeZone } from "../zone.ts";

/** An iCalendar file that cannot be read, or asks for what is not supported. */
export class ICalendarError extends PlangateError {
  /** The file, as the caller named it. */
  readonly source: string;
  /** From 1; null: the file as a whole. */
  readonly line: number | null;
  constructor(source: string, line: number | null, message: string, options?: { cause?: unknown }) {
    super("icalendar", `${source}${line === null ? "" : `:${line}`}: ${message}`, options);
    this.source = source;
    this.line = line;
  }
}

/** RFC 5545 sections 3.3.4 and 3.3.5. `local` is midnight for a date. */
export type EventTime =
  | { kind: "date"; local: number }
  /** Takes the policy's zone. */
  | { kind: "floating"; local: number }
  | { kind: "zoned"; local: number; zone: TimeZone };

export type EventLength =
  /** DTEND: the same exact time for every occurrence of a date-time, whole days for a date. */
  | { kind: "until"; end: EventTime }
  /** DURATION: calendar days, then exact milliseconds. */
  | { kind: "duration"; days: number; ms: number };

export type Frequency = "SECONDLY" | "MINUTELY" | "HOURLY" | "DAILY" | "WEEKLY" | "MONTHLY" | "YEARLY";

/** RFC 5545 section 3.3.10, with what it leaves open filled in from DTSTART. Null: does not restrict. */
export interface RecurrenceRule {
  frequency: Frequency;
  interval: number;
  /** 0 = Monday. */
  weekStart: number;
  /** UNTIL, and COUNT turned into the last local time that it reaches. */
  until: EventTime | null;
  months: readonly number[] | null;
  weekNumbers: readonly number[] | null;
  yearDays: readonly number[] | null;
  monthDays: readonly number[] | null;
  /** `nth` is null for every such weekday of the period. */
  weekdays: readonly { weekday: number; nth: number | null }[] | null;
  hours: readonly number[] | null;
  minutes: readonly number[] | null;
  seconds: readonly number[] | null;
  positions: readonly number[] | null;
}

/** A VEVENT: alone, a series, or the replacement of one occurrence of a series. */
export interface ICalendarEvent {
  summary: string | null;
  line: number;
  start: EventTime;
  length: EventLength;
  rules: readonly RecurrenceRule[];
  /** RDATE; `length` null: the event's own. */
  additions: readonly { start: EventTime; length: EventLength | null }[];
  /** EXDATE, and the RECURRENCE-ID of every replacement. */
  exclusions: readonly EventTime[];
}

/** A parsed iCalendar file. Cancelled events and occurrences are gone; TRANSPARENT ones count. */
export interface ICalendar {
  source: string;
  events: readonly ICalendarEvent[];
}

import { z } from "zod";
import { dayMs, dayNumber, formatLocalDate, minuteMs, parseWallClock } from "../calendar/civil.ts";
import { type OneOffWindow, type RecurringWindow, type Weekday, weekdays } from "../calendar/types.ts";
import { isTimeZone } from "../calendar/zone.ts";
import { duration } from "../values.ts";
import { quoted } from "./document-error.ts";
import { didYouMean } from "./suggest.ts";

/** The schemas of `changeWindow` in a policy file. Their output is what core/calendar takes. */

const reason = z.string().min(1).max(300).describe("Why; shown to whoever is held up by it.");

const dayNames = weekdays.join("|");
const daySyntax = new RegExp(`^(${dayNames})(-(${dayNames}))?$`);

const day = z
  .string()
  .regex(daySyntax, {
    error: ({ input }) => {
      const [first = "", last = ""] = String(input).split("-");
      const wrong = weekdays.some((name) => name === first) ? last : first;
      const hint = didYouMean(wrong.slice(0, 3), weekdays);
      return `${quoted(String(input))} is not a day${hint === "" ? ";" : hint} allowed: ${weekdays.join(", ")}, or a range "Tue-Thu"`;
    },
  })
  .describe('A day ("Mon") or a range of days ("Tue-Thu"; "Fri-Mon" wraps around the weekend).');

/** Days in the order of the week, each once. */
const days = z
  .union([day, z.array(day).min(1)])
  .transform((written) => daysOf([written].flat()))
  .describe("Days of the week. Absent: every day.");

function daysOf(ranges: readonly string[]): Weekday[] {
  const chosen = new Set<Weekday>();
  for (const range of ranges) {
    const [first, last] = range.split("-").map((name) => (weekdays as readonly string[]).indexOf(name));
    const start = first ?? 0;
    const length = (((last ?? start) - start + 7) % 7) + 1;
    for (let step = 0; step < length; step++) {
      const weekday = weekdays[(start + step) % 7];
      if (weekday !== undefined) chosen.add(weekday);
    }
  }
  return weekdays.filter((weekday) => chosen.has(weekday));
}

const timeForm = 'a time is "HH:MM" on a 24-hour clock, in quotes: "09:00"';

function minuteOf(text: string): number {
  const [hours, minutes] = text.split(":").map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}

const fromTime = z
  .string(timeForm)
  .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, {
    abort: true,
    error: ({ input }) => (input === "24:00" ? '"24:00" is allowed in `to` only; write "00:00"' : timeForm),
  })
  .transform(minuteOf)
  .describe('When it begins, on the local wall clock: "09:00".');

const toTime = z
  .string(timeForm)
  .regex(/^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/, {
    abort: true,
    error: `${timeForm}; "24:00" is the end of the day`,
  })
  .transform(minuteOf)
  .describe('When it ends (exclusive): "15:00"; "24:00" for the end of the day; before `from`: on the next day.');

const recurring = z
  .strictObject({ days: days.optional(), from: fromTime, to: toTime, reason: reason.optional() })
  .superRefine(({ from, to }, context) => {
    if (from !== to) return;
    const message = 'must not equal `from`; a whole day is from "00:00" to "24:00"';
    context.addIssue({ code: "custom", path: ["to"], message });
  })
  .transform((window): RecurringWindow => {
    return { kind: "recurring", ...window, days: window.days ?? weekdays, reason: window.reason ?? null };
  })
  .describe("An interval that comes back every week.");

const dateForm = 'a date is "2026-01-10", a date with a time is "2026-01-10T09:00"';

const datePattern = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?$/;

/** Refined, not matched by `regex`: what begins as a date is meant as one, whatever is wrong with it (see closestBranch). */
const localDate = z
  .string(dateForm)
  .regex(/^[0-9]{4}-/, { abort: true, error: dateForm })
  .refine((text) => datePattern.test(text), {
    abort: true,
    error: ({ input }) => {
      const zoned = /T.*(Z|[+-][0-9]{2}:?[0-9]{2})$/.test(String(input));
      return `${dateForm}${zoned ? "; it is local time in `timeZone`: remove the offset" : ""}`;
    },
  })
  .refine((text) => startOf(text) !== null, { abort: true, error: "this date or time does not exist" })
  .meta({ pattern: datePattern.source });

function startOf(text: string): number | null {
  return parseWallClock(text.includes("T") ? `${text}:00` : `${text}T00:00:00`);
}

const oneOff = z
  .strictObject({
    from: localDate.describe('First day (inclusive), "2026-12-24", or a local date-time, "2026-12-24T18:00".'),
    to: localDate.describe('Last day (inclusive), "2027-01-01", or a local date-time (exclusive), "2027-01-02T06:00".'),
    reason: reason.optional(),
  })
  .superRefine((window, context) => {
    const { from, to } = intervalOf(window);
    const message = window.to.includes("T") ? "must be later than `from`" : "must not be before `from`";
    if (to <= from) context.addIssue({ code: "custom", path: ["to"], message });
  })
  .transform((window): OneOffWindow => {
    const { from, to } = intervalOf(window);
    const label = window.from === window.to ? window.from : `${window.from} to ${window.to}`.replaceAll("T", " ");
    return { kind: "one-off", from: wallClock(from), to: wallClock(to), reason: window.reason ?? null, label };
  })
  .describe("An interval that happens once.");

/** Local times; `to` exclusive. A date that does not exist was refused before. */
function intervalOf({ from, to }: { from: string; to: string }): { from: number; to: number } {
  return { from: startOf(from) ?? 0, to: (startOf(to) ?? 0) + (to.includes("T") ? 0 : dayMs) };
}

/** People write 9999-12-31 for "for ever", and years of five digits have no wall clock of this form. */
const lastMinute = dayNumber(9999, 12, 31) * dayMs + dayMs - minuteMs;

function wallClock(exact: number): string {
  const local = Math.min(exact, lastMinute);
  const minutes = Math.floor((local % dayMs) / minuteMs);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${formatLocalDate(local)}T${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:00`;
}

const calendar = z
  .strictObject({
    calendar: z
      .string()
      .min(1)
      .describe("An iCalendar file (.ics), relative to the policy, inside the policy directory."),
    reason: reason.optional(),
  })
  .transform(({ calendar: path, reason: why }) => ({ kind: "calendar" as const, path, reason: why ?? null }))
  .describe("Every event of an iCalendar file.");

const timeZone = z
  .string()
  .refine(isTimeZone, {
    error: ({ input }) => {
      const hint = didYouMean(String(input), Intl.supportedValuesOf("timeZone"));
      return `${quoted(String(input))} is not an IANA time zone${hint === "" ? ";" : hint} allowed: names such as "America/New_York", and "UTC"`;
    },
  })
  .describe("IANA time zone of every time below it: America/New_York.");

export const changeWindowSchema = z
  .strictObject({
    timeZone,
    allow: z
      .array(z.union([recurring, oneOff]))
      .min(1, "an empty list would never open; remove `allow` to be open except in freezes")
      .optional()
      .describe("When changes may start and must end. Absent: always, except in freezes."),
    freeze: z
      .array(z.union([recurring, oneOff, calendar]))
      .optional()
      .describe("When nothing ships. A freeze beats every window."),
    expectedDuration: duration
      .optional()
      .describe("How long a deploy takes at least: it must end before the window does. The request may ask for more."),
  })
  .describe("When the requests that the policy applies to may ship.");

export type ChangeWindowInput = z.output<typeof changeWindowSchema>;

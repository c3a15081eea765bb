import fc from "fast-check";
import ICAL from "ical.js";
import { expandICalendar, parseICalendar } from "../../src/core/calendar/icalendar.ts";
import { timeZone } from "../../src/core/calendar/zone.ts";
import { at } from "./policies.ts";

/**
 * ical.js walks a series from its start, the product jumps into it: two methods. Left out is what ical.js 2.2.1 does not
 * do by RFC 5545: BYWEEKNO, YEARLY;BYMONTHDAY without BYMONTH, days that some months lack, and a start off the rule.
 */
const days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const some = <T>(values: readonly T[]) =>
  fc.subarray([...values], { minLength: 1, maxLength: 3 }).map((chosen) => chosen.join(","));
const months = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const nth = fc.tuple(fc.constantFrom(1, 2, 3, 4, -1, -2), fc.constantFrom(...days)).map(([n, name]) => `${n}${name}`);

const rule = fc.oneof(
  fc.constant("FREQ=DAILY"),
  some(months).map((m) => `FREQ=DAILY;BYMONTH=${m}`),
  some(days).map((d) => `FREQ=DAILY;BYDAY=${d}`),
  some(days).map((d) => `FREQ=WEEKLY;BYDAY=${d}`),
  some([1, 7, 15, 28]).map((d) => `FREQ=MONTHLY;BYMONTHDAY=${d}`),
  nth.map((d) => `FREQ=MONTHLY;BYDAY=${d}`),
  fc
    .tuple(fc.constantFrom(...months), some([1, 7, 15, 28]))
    .map(([m, d]) => `FREQ=YEARLY;BYMONTH=${m};BYMONTHDAY=${d}`),
  fc.tuple(fc.constantFrom(...months), nth).map(([m, d]) => `FREQ=YEARLY;BYMONTH=${m};BYDAY=${d}`),
  fc.constant("FREQ=YEARLY"),
);

const from = at("2026-01-01T00:00").getTime();
const to = at("2028-01-01T00:00").getTime();

function walked(text: string, start: string): string[] {
  const found: string[] = [];
  const iterator = ICAL.Recur.fromString(text).iterator(ICAL.Time.fromString(start, undefined));
  for (let next = iterator.next(); next && next.year < 2028; next = iterator.next()) {
    if (next.year >= 2026) found.push(next.toString());
  }
  return found;
}

test("a series from a start that it matches has the days that ical.js walks to", () => {
  fc.assert(
    fc.property(
      rule,
      fc.integer({ min: 1, max: 3 }),
      fc.option(fc.integer({ min: 1, max: 400 })),
      fc.integer({ min: 0, max: 14_000 }),
      (base, interval, count, offset) => {
        const early = new Date(Date.UTC(1990, 0, 1 + offset)).toISOString().slice(0, 10);
        // The first day that matches, so that DTSTART is on the rule.
        const start =
          ICAL.Recur.fromString(base).iterator(ICAL.Time.fromString(early, undefined)).next()?.toString() ?? early;
        if (start.endsWith("-02-29")) return;
        const text = `${base};INTERVAL=${interval}${count === null ? "" : `;COUNT=${count}`}`;
        const calendar = parseICalendar(
          [
            "BEGIN:VCALENDAR",
            "BEGIN:VEVENT",
            `DTSTART;VALUE=DATE:${start.replaceAll("-", "")}`,
            `RRULE:${text}`,
            "END:VEVENT",
            "END:VCALENDAR",
          ].join("\n"),
          "test.ics",
        );
        const found = expandICalendar(calendar, timeZone("UTC"), { start: from, end: to });
        expect(found.map((day) => new Date(day.start).toISOString().slice(0, 10))).toEqual(walked(text, start));
      },
    ),
    { numRuns: 100 },
  );
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expandICalendar, parseICalendar } from "../../src/core/calendar/icalendar.ts";
import { utc } from "../../src/core/calendar/zone.ts";

const dayMs = 86_400_000;
const calendar = parseICalendar(readFileSync(join(__dirname, "../../policies/holidays.ics"), "utf8"), "holidays.ics");

/** The days off of 5 U.S.C. 6103, counted day by day: no recurrence rules. */
function holidaysOf(year: number): Set<string> {
  const days = new Set<string>();
  const iso = (time: number) => new Date(time).toISOString().slice(0, 10);
  for (const [month, day] of [
    [0, 1],
    [5, 19],
    [6, 4],
    [10, 11],
    [11, 25],
  ] as const) {
    const time = Date.UTC(year, month, day);
    const weekday = new Date(time).getUTCDay();
    days.add(iso(time));
    if (weekday === 6) days.add(iso(time - dayMs));
    if (weekday === 0) days.add(iso(time + dayMs));
  }
  const mondays = (month: number, weekday = 1) => {
    const found: number[] = [];
    for (let time = Date.UTC(year, month, 1); new Date(time).getUTCMonth() === month; time += dayMs) {
      if (new Date(time).getUTCDay() === weekday) found.push(time);
    }
    return found;
  };
  const thursdays = (month: number) => mondays(month, 4);
  for (const time of [
    mondays(0)[2],
    mondays(1)[2],
    mondays(4).at(-1),
    mondays(8)[0],
    mondays(9)[1],
    thursdays(10)[3],
  ]) {
    days.add(iso(time ?? Number.NaN));
  }
  return days;
}

test.each(Array.from({ length: 20 }, (_, index) => 2024 + index))("the US federal holidays of %i", (year) => {
  // The New Year's Day of the next year may be observed on 31 December.
  const expected = [...holidaysOf(year), ...holidaysOf(year + 1)].filter((day) => day.startsWith(String(year)));
  const range = { start: Date.UTC(year, 0, 1), end: Date.UTC(year + 1, 0, 1) };
  const found = expandICalendar(calendar, utc, range).map(({ start, end, allDay }) => {
    expect([allDay, end - start]).toEqual([true, dayMs]);
    return new Date(start).toISOString().slice(0, 10);
  });
  expect([...new Set(found)].sort()).toEqual([...new Set(expected)].sort());
});

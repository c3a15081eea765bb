import { isTimeZone, timeZone, toInstants, toLocal } from "../../src/core/calendar/zone.ts";
import { at, utc } from "./policies.ts";

test.each([
  "UTC",
  "Etc/UTC",
  "Etc/GMT+5",
  "America/New_York",
  "America/Port-au-Prince",
  "America/Argentina/ComodRivadavia",
  "America/North_Dakota/New_Salem",
  "Antarctica/DumontDUrville",
  "Antarctica/McMurdo",
  "Asia/Calcutta",
  "Asia/Kolkata",
  "Australia/NSW",
  "Europe/Isle_of_Man",
  "Europe/Kyiv",
  "US/East-Indiana",
])("%s is a time zone", (name) => expect(isTimeZone(name)).toBe(true));

test.each([
  "",
  "Utc",
  "+02:00",
  "GMT+2",
  "EST",
  "EST5EDT",
  "IST",
  "CET",
  "PST8PDT",
  "Japan",
  "america/new_york",
  "America/NEW_YORK",
  "asia/Kolkata",
  "Asia/kolkata",
  "Europe/",
  "/Berlin",
  "Europe/Atlantis",
  " Europe/Berlin",
  "Europe/Berlin ",
  "SystemV/EST5EDT",
  "Etc/Unknown",
  "__proto__",
  "constructor",
  "Europe/__proto__",
])("%j is none", (name) => {
  expect(isTimeZone(name)).toBe(false);
  expect(() => timeZone(name)).toThrow(RangeError);
});

test.each([
  ["an ordinary time", "America/New_York", "2026-07-01T12:00", ["2026-07-01T16:00", "2026-07-01T16:00"]],
  ["the last minute before a gap", "America/New_York", "2026-03-08T01:59", ["2026-03-08T06:59", "2026-03-08T06:59"]],
  ["the start of a gap", "America/New_York", "2026-03-08T02:00", ["2026-03-08T07:00", "2026-03-08T07:00"]],
  ["inside a gap", "America/New_York", "2026-03-08T02:59", ["2026-03-08T07:00", "2026-03-08T07:00"]],
  ["the end of a gap", "America/New_York", "2026-03-08T03:00", ["2026-03-08T07:00", "2026-03-08T07:00"]],
  ["the start of an overlap", "America/New_York", "2026-11-01T01:00", ["2026-11-01T05:00", "2026-11-01T06:00"]],
  ["the end of an overlap", "America/New_York", "2026-11-01T02:00", ["2026-11-01T07:00", "2026-11-01T07:00"]],
  ["half an hour twice", "Australia/Lord_Howe", "2026-04-05T01:45", ["2026-04-04T14:45", "2026-04-04T15:15"]],
  ["a skipped midnight", "America/Santiago", "2026-09-06T00:00", ["2026-09-06T04:00", "2026-09-06T04:00"]],
  ["a skipped day", "Pacific/Apia", "2011-12-30T12:00", ["2011-12-30T10:00", "2011-12-30T10:00"]],
  ["local mean time", "America/New_York", "1800-01-01T00:00", ["1800-01-01T04:56:02", "1800-01-01T04:56:02"]],
])("%s: %s %s", (_name, zone, local, expected) => {
  const { first, last } = toInstants(timeZone(zone), at(local).getTime());
  expect([utc(new Date(first)), utc(new Date(last))]).toEqual(expected);
});

test("offsets hold up to the second of a change", () => {
  const zone = timeZone("Europe/Berlin");
  const shown = (instant: string) => utc(new Date(toLocal(zone, at(instant).getTime())));
  expect([shown("2026-03-29T00:59:59"), shown("2026-03-29T01:00")]).toEqual([
    "2026-03-29T01:59:59",
    "2026-03-29T03:00",
  ]);
});

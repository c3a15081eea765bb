import { readFileSync } from "node:fs";
import { join } from "node:path";
import { calendarState } from "../../src/core/calendar/calendar-state.ts";
import { coverageEnd, expandICalendar, ICalendarError, parseICalendar } from "../../src/core/calendar/icalendar.ts";
import { timeZone } from "../../src/core/calendar/zone.ts";
import { at, day, policy, utc } from "./policies.ts";

const folder = join(__dirname, "icalendar");

/** "2026-10-25T04:00 to 2026-10-26T05:00  Sunday", instants in UTC. */
function expand(text: string, zone: string, from: string, to: string): string[] {
  const range = { start: at(`${from}T00:00`).getTime(), end: at(`${to}T00:00`).getTime() };
  return expandICalendar(parseICalendar(text, "test.ics"), timeZone(zone), range).map(
    ({ start, end, summary }) => `${utc(new Date(start))} to ${utc(new Date(end))}  ${summary}`,
  );
}

describe("files and the intervals that they stand for", () => {
  test.each([
    { file: "all-day", zone: "America/New_York", from: "2026-10-01", to: "2027-01-01" },
    { file: "all-day", zone: "Asia/Kolkata", from: "2026-12-01", to: "2027-01-01" },
    { file: "across-dst", zone: "Europe/Berlin", from: "2026-10-01", to: "2027-01-01" },
    { file: "exceptions", zone: "UTC", from: "2026-03-01", to: "2026-06-01" },
    { file: "own-time-zone", zone: "UTC", from: "2026-10-01", to: "2027-06-01" },
  ])("$file.ics in $zone from $from to $to", ({ file, zone, from, to }) => {
    const text = readFileSync(join(folder, `${file}.ics`), "utf8");
    const golden = join(folder, `${file}.${zone.replace("/", "-")}.txt`);
    expect(`${expand(text, zone, from, to).join("\n")}\n`).toBe(readFileSync(golden, "utf8"));
  });
});

/** One event of the given lines, in a calendar. Its first line is line 3. */
function event(...lines: string[]): string {
  return ["BEGIN:VCALENDAR", "BEGIN:VEVENT", ...lines, "END:VEVENT", "END:VCALENDAR"].join("\r\n");
}

describe("recurrence rules (examples of RFC 5545 section 3.8.5.3)", () => {
  test.each([
    ["the 20th Monday of the year", "19970519T090000", "FREQ=YEARLY;BYDAY=20MO;COUNT=3", "19970519 19980518 19990517"],
    ["Monday of week 20", "19970512T090000", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=3", "19970512 19980511 19990517"],
    [
      "the 1st, 100th and 200th day every third year",
      "19970101T090000",
      "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
      "19970101 19970410 19970719 20000101 20000409 20000718 20030101 20030410 20030719 20060101",
    ],
    [
      "every Friday the 13th",
      "19980213T090000",
      "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=5",
      "19980213 19980313 19981113 19990813 20001013",
    ],
    [
      "the first Saturday after the first Sunday",
      "19970913T090000",
      "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13;COUNT=4",
      "19970913 19971011 19971108 19971213",
    ],
    [
      "presidential election day",
      "19961105T090000",
      "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=3",
      "19961105 20001107 20041102",
    ],
    [
      "the third of Tuesday, Wednesday, Thursday",
      "19970904T090000",
      "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
      "19970904 19971007 19971106",
    ],
    [
      "the second to last weekday of the month",
      "19970929T090000",
      "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=4",
      "19970929 19971030 19971127 19971230",
    ],
    [
      "the third to last day of the month",
      "19970928T090000",
      "FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=4",
      "19970928 19971029 19971128 19971229",
    ],
    [
      "the week begins on Monday",
      "19970805T090000",
      "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
      "19970805 19970810 19970819 19970824",
    ],
    [
      "the week begins on Sunday",
      "19970805T090000",
      "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
      "19970805 19970817 19970819 19970831",
    ],
    [
      "invalid dates are passed over",
      "20070115T090000",
      "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
      "20070115 20070130 20070215 20070315 20070330",
    ],
    ["29 February", "20240229T090000", "FREQ=YEARLY;COUNT=3", "20240229 20280229 20320229"],
    [
      "every 18 months on days 10 to 12",
      "19970910T090000",
      "FREQ=MONTHLY;INTERVAL=18;COUNT=5;BYMONTHDAY=10,11,12",
      "19970910 19970911 19970912 19990310 19990311",
    ],
    [
      "until a day, that day included",
      "19970902T090000",
      "FREQ=DAILY;INTERVAL=10;UNTIL=19970922",
      "19970902 19970912 19970922",
    ],
    ["a day that does not exist: DTSTART alone", "20260131T090000", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "20260131"],
    ["lower case", "19970902T090000", "freq=daily;count=2", "19970902 19970903"],
  ])("%s", (_name, start, rule, expected) => {
    const found = expand(
      event(`DTSTART:${start}`, "DURATION:PT1H", `RRULE:${rule}`),
      "UTC",
      "1990-01-01",
      "2040-01-01",
    );
    expect(found.map((line) => line.slice(0, 10).replaceAll("-", "")).join(" ")).toBe(expected);
  });

  test("hours and minutes are expanded", () => {
    const text = event(
      "DTSTART:19970902T090000",
      "DURATION:PT1M",
      "RRULE:FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,40;COUNT=4",
    );
    expect(expand(text, "UTC", "1997-09-01", "1998-01-01").map((line) => line.slice(0, 16))).toEqual([
      "1997-09-02T09:00",
      "1997-09-02T09:40",
      "1997-09-02T10:00",
      "1997-09-02T10:40",
    ]);
  });

  test("UNTIL in UTC is compared as an instant: midnight in Berlin is 23:00 the day before", () => {
    const text = event(
      "DTSTART;TZID=Europe/Berlin:20260105T000000",
      "DURATION:PT1H",
      "RRULE:FREQ=DAILY;UNTIL=20260106T230000Z",
    );
    expect(expand(text, "UTC", "2026-01-01", "2026-02-01")).toHaveLength(3);
  });
});

describe("what cannot be used is refused, with the place", () => {
  const start = "DTSTART;VALUE=DATE:20261224";
  test.each([
    ["nothing", "", "test.ics: holds no VCALENDAR"],
    ["no calendar", "hello", 'test.ics:1: not an iCalendar line: "hello"'],
    ["another kind of file", "BEGIN:VCARD\nEND:VCARD", 'test.ics:1: "BEGIN:VCARD" outside of a VCALENDAR'],
    ["cut off", "BEGIN:VCALENDAR\nBEGIN:VEVENT", "test.ics:2: VEVENT begins here and never ends"],
    [
      "wrong nesting",
      "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR",
      "test.ics:3: END:VCALENDAR closes VEVENT of line 2",
    ],
    ["no DTSTART", event("SUMMARY:x"), "test.ics:2: VEVENT without DTSTART"],
    ["no date", event("DTSTART:garbage"), 'test.ics:3: "DTSTART:garbage": expected a date'],
    [
      "a date that does not exist",
      event("DTSTART;VALUE=DATE:20260230"),
      'test.ics:3: "DTSTART;VALUE=DATE:20260230": expected a date',
    ],
    ["a date where a time is due", event("DTSTART:20261224"), 'test.ics:3: "DTSTART:20261224": expected a date'],
    ["too many digits", event("DTSTART:20261224T1800001"), "test.ics:3:"],
    ["two starts", event(start, start), "test.ics:4: a second DTSTART in the VEVENT of line 2"],
    [
      "a zone that nobody knows",
      event("DTSTART;TZID=Mars/Olympus:20261224T180000"),
      'test.ics:3: unknown time zone "Mars/Olympus"',
    ],
    ["an abbreviation for a zone", event("DTSTART;TZID=EST:20261224T180000"), 'test.ics:3: unknown time zone "EST"'],
    [
      "DTEND before DTSTART",
      event(start, "DTEND;VALUE=DATE:20261201"),
      'test.ics:4: "DTEND;VALUE=DATE:20261201": ends before it begins',
    ],
    ["DTEND of another kind", event(start, "DTEND:20261225T000000"), "test.ics:4:"],
    [
      "DTEND and DURATION",
      event(start, "DTEND;VALUE=DATE:20261225", "DURATION:P1D"),
      "test.ics:5: DTEND and DURATION exclude each other",
    ],
    [
      "a negative duration",
      event(start, "DURATION:-P1D"),
      'test.ics:4: "DURATION:-P1D": expected a duration that is not negative',
    ],
    ["a duration that is none", event(start, "DURATION:PT"), 'test.ics:4: "DURATION:PT": expected a duration'],
    [
      "hours of an all-day event",
      event(start, "DURATION:PT8H"),
      'test.ics:4: "DURATION:PT8H": an all-day event lasts whole days',
    ],
    [
      "every second",
      event("DTSTART:20260101T000000", "RRULE:FREQ=SECONDLY"),
      'test.ics:4: "RRULE:FREQ=SECONDLY": repeats more often than every hour for too long',
    ],
    ["every second, counted", event("DTSTART:20260101T000000", "RRULE:FREQ=SECONDLY;COUNT=99999"), "test.ics:4:"],
    [
      "every second of a day that never comes",
      event("DTSTART:20260101T000000", "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2"),
      "test.ics:4:",
    ],
    [
      "every second through BY parts",
      event("DTSTART:20260101T000000", "RRULE:FREQ=DAILY;BYHOUR=1,2;BYMINUTE=1,2,3,4,5;BYSECOND=1,2,3"),
      "test.ics:4:",
    ],
    [
      "many hourly series",
      `BEGIN:VCALENDAR\n${"BEGIN:VEVENT\nDTSTART:20260101T000000\nRRULE:FREQ=HOURLY\nEND:VEVENT\n".repeat(12)}END:VCALENDAR`,
      "test.ics:42: more than 200000 occurrences up to here",
    ],
    ["no frequency", event(start, "RRULE:COUNT=3"), "test.ics:4:"],
    ["no such frequency", event(start, "RRULE:FREQ=FORTNIGHTLY"), "test.ics:4:"],
    [
      "an unknown part",
      event(start, "RRULE:FREQ=YEARLY;RSCALE=CHINESE"),
      'test.ics:4: "RRULE:FREQ=YEARLY;RSCALE=CHINESE": RSCALE: unknown key',
    ],
    ["a prototype's name for a part", event(start, "RRULE:FREQ=YEARLY;CONSTRUCTOR=1"), "test.ics:4:"],
    ["UNTIL that is no date", event(start, "RRULE:FREQ=DAILY;UNTIL=NEVER"), "test.ics:4:"],
    ["COUNT=0", event(start, "RRULE:FREQ=DAILY;COUNT=0"), "test.ics:4:"],
    ["a number for a weekday of a week", event(start, "RRULE:FREQ=WEEKLY;BYDAY=2MO"), "test.ics:4:"],
    ["month 13", event(start, "RRULE:FREQ=YEARLY;BYMONTH=13"), "test.ics:4:"],
    ["EXRULE", event(start, "EXRULE:FREQ=DAILY"), "test.ics:4: EXRULE is not supported"],
    [
      "THISANDFUTURE",
      event(start, "UID:a", "RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20261224"),
      "test.ics:5: RANGE=THISANDFUTURE is not supported",
    ],
    [
      "EXDATE with a time for an all-day event",
      event(start, "EXDATE:20261224T120000"),
      "test.ics:4: an occurrence of an all-day event is excluded by its date",
    ],
    [
      "a VTIMEZONE without offsets",
      "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:19700101T000000\nEND:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR",
      "test.ics:4: STANDARD without TZOFFSETFROM",
    ],
  ])("%s", (_name, text, message) => {
    const attempt = () => parseICalendar(text, "test.ics");
    expect(attempt).toThrow(ICalendarError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ code: "icalendar", source: "test.ics" }));
  });
});

describe("a calendar as a freeze", () => {
  const calendar = parseICalendar(
    event("DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261227", "SUMMARY:Christmas"),
    "holidays.ics",
  );
  const frozen = policy("Europe/Berlin", {
    freeze: [{ kind: "calendar", path: "holidays.ics", calendar, reason: "Public holidays" }],
  });

  test("closes, and says why", () => {
    const state = calendarState([frozen], at("2026-12-25T12:00"), 0);
    expect(state).toMatchObject({
      open: false,
      because: [
        { kind: "freeze", reason: "Public holidays", text: "Public holidays: Christmas, 2026-12-24 to 2026-12-26" },
      ],
    });
    expect(utc(state.nextOpen)).toBe("2026-12-26T23:00");
  });

  test.each([
    ["one event", event("DTSTART;VALUE=DATE:20261224"), "2026-12-25T00:00"],
    [
      "a series with an end",
      event("DTSTART;VALUE=DATE:20201224", "RRULE:FREQ=YEARLY;UNTIL=20291231"),
      "2029-12-25T00:00",
    ],
    [
      "a counted series whose last day is dropped",
      event("DTSTART;VALUE=DATE:20201224", "RRULE:FREQ=YEARLY;COUNT=3", "EXDATE;VALUE=DATE:20221224"),
      "2021-12-25T00:00",
    ],
    ["an endless series", event("DTSTART;VALUE=DATE:20201224", "RRULE:FREQ=YEARLY"), "endless"],
    ["no events", "BEGIN:VCALENDAR\nEND:VCALENDAR", null],
  ])("ends with %s", (_name, text, expected) => {
    const end = coverageEnd(parseICalendar(text, "x.ics"), timeZone("UTC"));
    expect(end instanceof Date ? utc(end) : end).toBe(expected);
  });

  test("a series that began long ago gives the same days as one that began lately", () => {
    const daily = (year: number) =>
      event(`DTSTART;TZID=America/New_York:${year}0101T090000`, "DURATION:PT1H", "RRULE:FREQ=DAILY;INTERVAL=1");
    const window = ["America/New_York", "2026-01-01", "2027-02-01"] as const;
    expect(expand(daily(1601), ...window)).toEqual(expand(daily(2025), ...window));
    expect(expand(daily(1601), ...window)).toHaveLength(396);
  });

  test("an event longer than the range is found from inside", () => {
    expect(
      expand(event("DTSTART;VALUE=DATE:20200101", "DURATION:P3650D"), "UTC", "2026-01-01", "2026-01-02"),
    ).toHaveLength(1);
    expect(day * 3650).toBe(at("2029-12-29T00:00").getTime() - at("2020-01-01T00:00").getTime());
  });
});

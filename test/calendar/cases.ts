import { calendarState, effectiveDuration, upcomingIntervals } from "../../src/core/calendar/calendar-state.ts";
import type { CalendarPolicy } from "../../src/core/calendar/types.ts";
import { at, dates, day, hour, minute, policy, span, utc, weekly } from "./policies.ts";

/** What is known of the state; instants are UTC. What a case does not name is not looked at. */
interface Expected {
  open: boolean;
  fits?: boolean;
  since?: string | null;
  nextOpen?: string | null;
  nextClose?: string | null;
  latestStart?: string | null;
  nextFit?: string | null;
  because?: readonly string[];
  neverOpensReason?: string | null;
}
interface Case {
  name: string;
  policies: readonly CalendarPolicy[];
  at: string;
  duration?: number;
  expected: Expected;
}

const newYork = (allow: string) => [policy("America/New_York", { allow: [weekly(allow)] })];
const shipDays = newYork("Tue–Thu 00:00–15:00");
const londonOffice = [
  policy("Europe/London", {
    allow: [weekly("Mon–Fri 09:00–17:00")],
    freeze: [dates("2026-12-24", "2027-01-01", "Year-end freeze")],
  }),
];
const thanksgiving = [
  policy("America/New_York", { freeze: [dates("2026-11-25", "2026-11-26"), dates("2026-11-27", "2026-11-27")] }),
];

/** The table of cases that were worked out with two independent methods. */
export const published: readonly Case[] = [
  {
    name: "1: last second of a window",
    policies: shipDays,
    at: "2026-03-05T19:59:59",
    expected: {
      open: true,
      nextClose: "2026-03-05T20:00",
      nextOpen: "2026-03-10T04:00",
      because: ["Tue–Thu 00:00–15:00 America/New_York"],
    },
  },
  {
    name: "2: the end is exclusive; the next opening has the summer offset",
    policies: shipDays,
    at: "2026-03-05T20:00",
    expected: {
      open: false,
      since: "2026-03-05T20:00",
      nextOpen: "2026-03-10T04:00",
      nextClose: null,
      because: ["Tue–Thu 00:00–15:00 America/New_York"],
    },
  },
  {
    name: "3a: 45 minutes that end exactly at the close fit",
    policies: shipDays,
    at: "2026-03-12T18:15:00",
    duration: 45 * minute,
    expected: {
      open: true,
      fits: true,
      nextClose: "2026-03-12T19:00",
      latestStart: "2026-03-12T18:15",
      nextFit: "2026-03-12T18:15",
    },
  },
  {
    name: "3b: a second later they do not",
    policies: shipDays,
    at: "2026-03-12T18:15:01",
    duration: 45 * minute,
    expected: {
      open: true,
      fits: false,
      nextClose: "2026-03-12T19:00",
      latestStart: null,
      nextFit: "2026-03-17T04:00",
    },
  },
  {
    name: "4: a window inside the skipped hour is empty",
    policies: newYork("daily 02:00–03:00"),
    at: "2026-03-08T07:00",
    expected: { open: false, nextOpen: "2026-03-09T06:00" },
  },
  {
    name: "5: a window that ends in the skipped hour ends at the change",
    policies: newYork("daily 01:30–02:30"),
    at: "2026-03-08T06:45",
    expected: { open: true, since: "2026-03-08T06:30", nextClose: "2026-03-08T07:00" },
  },
  {
    name: "6: an allow uses the first pass of a repeated hour",
    policies: newYork("daily 00:30–01:30"),
    at: "2026-11-01T06:15",
    expected: { open: false, since: "2026-11-01T05:30", nextOpen: "2026-11-02T05:30" },
  },
  {
    name: "7: a freeze runs to the last pass",
    policies: [policy("America/New_York", { freeze: [weekly("daily 01:15–01:45")] })],
    at: "2026-11-01T05:50",
    expected: { open: false, since: "2026-11-01T05:15", nextOpen: "2026-11-01T06:45" },
  },
  {
    name: "8: a night that loses an hour",
    policies: [policy("Europe/Berlin", { allow: [weekly("Sat 22:00–06:00")] })],
    at: "2026-03-29T03:59:59",
    expected: { open: true, since: "2026-03-28T21:00", nextClose: "2026-03-29T04:00" },
  },
  {
    name: "9: a night that gains one",
    policies: [policy("Europe/Berlin", { allow: [weekly("Sat 22:00–06:00")] })],
    at: "2026-10-25T04:30",
    expected: { open: true, since: "2026-10-24T20:00", nextClose: "2026-10-25T05:00" },
  },
  {
    name: "10: a freeze beats the window, and the weekend after it counts too",
    policies: londonOffice,
    at: "2026-12-28T10:00",
    expected: { open: false, nextOpen: "2027-01-04T09:00", because: ["Year-end freeze, 2026-12-24 to 2027-01-01"] },
  },
  {
    name: "11: a day whose midnight is skipped",
    policies: [policy("America/Santiago", { freeze: [weekly("Sun 00:00–24:00")] })],
    at: "2026-09-06T04:00",
    expected: { open: false, since: "2026-09-06T04:00", nextOpen: "2026-09-07T03:00" },
  },
  {
    name: "12: no seam between adjoining freezes",
    policies: thanksgiving,
    at: "2026-11-27T05:00",
    expected: { open: false, since: "2026-11-25T05:00", nextOpen: "2026-11-28T05:00" },
  },
];

const lordHowe = (kind: "allow" | "freeze", text: string) => [
  policy("Australia/Lord_Howe", { [kind]: [weekly(text)] }),
];

export const more: readonly Case[] = [
  {
    name: "half an hour is skipped: 02:00–02:30 is empty",
    policies: lordHowe("allow", "daily 02:00–02:30"),
    at: "2026-10-03T15:30",
    expected: { open: false, nextOpen: "2026-10-04T15:00" },
  },
  {
    name: "half an hour is repeated: an allow closes at its first 01:45",
    policies: lordHowe("allow", "daily 01:00–01:45"),
    at: "2026-04-04T14:44:59",
    expected: { open: true, nextClose: "2026-04-04T14:45" },
  },
  {
    name: "half an hour is repeated: a freeze lasts to its second 01:45",
    policies: lordHowe("freeze", "daily 01:00–01:45"),
    at: "2026-04-04T14:50",
    expected: { open: false, nextOpen: "2026-04-04T15:15" },
  },
  {
    name: "the end of a freeze is the first minute that clocks repeat: its last pass counts",
    policies: [policy("America/New_York", { freeze: [weekly("daily 00:00–01:00")] })],
    at: "2026-11-01T05:50",
    expected: { open: false, since: "2026-11-01T04:00", nextOpen: "2026-11-01T06:00" },
  },
  {
    name: "rules by decree: Casablanca before Ramadan",
    policies: [policy("Africa/Casablanca", { allow: [weekly("daily 09:00–10:00")] })],
    at: "2026-02-14T07:00",
    expected: { open: false, nextOpen: "2026-02-14T08:00" },
  },
  {
    name: "rules by decree: Casablanca in Ramadan",
    policies: [policy("Africa/Casablanca", { allow: [weekly("daily 09:00–10:00")] })],
    at: "2026-02-15T07:00",
    expected: { open: false, nextOpen: "2026-02-15T09:00" },
  },
  {
    name: "a quarter-hour offset",
    policies: [policy("Asia/Kathmandu", { allow: [weekly("Mon 09:00–10:00")] })],
    at: "2026-03-01T00:00",
    expected: { open: false, nextOpen: "2026-03-02T03:15" },
  },
  {
    name: "two zones: open where both are",
    policies: [
      policy("America/New_York", { allow: [weekly("Mon–Fri 09:00–17:00")] }, "ny"),
      policy("Europe/Berlin", { allow: [weekly("Mon–Fri 09:00–17:00")] }, "berlin"),
    ],
    at: "2026-01-05T13:00",
    expected: { open: false, nextOpen: "2026-01-05T14:00", because: ["Mon–Fri 09:00–17:00 America/New_York"] },
  },
  {
    name: "two zones: three weeks a year the overlap is an hour longer",
    policies: [
      policy("America/New_York", { allow: [weekly("Mon–Fri 09:00–17:00")] }, "ny"),
      policy("Europe/Berlin", { allow: [weekly("Mon–Fri 09:00–17:00")] }, "berlin"),
    ],
    at: "2026-03-09T13:00",
    expected: { open: true, since: "2026-03-09T13:00", nextClose: "2026-03-09T16:00" },
  },
  {
    name: "a freeze shorter than the duration hides in the middle",
    policies: [policy("UTC", { freeze: [span("2026-05-01T12:10", "2026-05-01T12:20", "Switch-over")] })],
    at: "2026-05-01T12:00",
    duration: hour,
    expected: {
      open: true,
      fits: false,
      nextClose: "2026-05-01T12:10",
      nextFit: "2026-05-01T12:20",
      because: ["Switch-over, 2026-05-01T12:10 to 2026-05-01T12:20"],
    },
  },
  {
    name: "a freeze trims the end of a window",
    policies: [
      policy("UTC", { allow: [weekly("Mon–Fri 09:00–17:00")], freeze: [weekly("Fri 15:00–24:00", "Early weekend")] }),
    ],
    at: "2026-05-01T14:30",
    duration: hour,
    expected: {
      open: true,
      fits: false,
      nextClose: "2026-05-01T15:00",
      nextOpen: "2026-05-04T09:00",
      nextFit: "2026-05-04T09:00",
      because: ["Early weekend, Fri 15:00–24:00 UTC"],
    },
  },
  {
    name: "the end of an exclusion is no opening",
    policies: [policy("UTC", { allow: [weekly("Mon 09:00–12:00")], freeze: [weekly("Mon 08:00–09:30")] })],
    at: "2026-05-04T09:00",
    expected: { open: false, nextOpen: "2026-05-04T09:30" },
  },
  {
    name: "a crossing window belongs to the day that it opens on",
    policies: [policy("UTC", { allow: [weekly("Fri 22:00–06:00")] })],
    at: "2026-05-01T03:00",
    expected: { open: false, nextOpen: "2026-05-01T22:00" },
  },
  {
    name: "windows that adjoin are one",
    policies: [policy("UTC", { allow: [weekly("Mon 12:00–24:00"), weekly("Tue 00:00–06:00")] })],
    at: "2026-05-04T23:30",
    duration: hour,
    expected: { open: true, fits: true, since: "2026-05-04T12:00", nextClose: "2026-05-05T06:00" },
  },
  {
    name: "a window that never opens again",
    policies: [policy("UTC", { allow: [dates("2026-01-10", "2026-01-10")] })],
    at: "2026-02-01T00:00",
    expected: {
      open: false,
      since: "2026-01-11T00:00",
      nextOpen: null,
      nextFit: null,
      neverOpensReason: "no window of p (2026-01-10 UTC) opens in the next 400 days",
    },
  },
  {
    name: "frozen for longer than the calendar looks ahead",
    policies: [policy("UTC", { allow: [weekly("daily 00:00–12:00")], freeze: [dates("2026-01-01", "2028-01-01")] })],
    at: "2026-02-01T00:00",
    expected: { open: false, nextOpen: null, neverOpensReason: "freezes of p leave nothing open in the next 400 days" },
  },
  {
    name: "two policies that never meet",
    policies: [
      policy("UTC", { allow: [weekly("Mon 00:00–24:00")] }, "a"),
      policy("UTC", { allow: [weekly("Tue 00:00–24:00")] }, "b"),
    ],
    at: "2026-02-01T00:00",
    expected: {
      open: false,
      nextOpen: null,
      neverOpensReason: "a, b are never open at the same time in the next 400 days",
    },
  },
  {
    name: "a duration longer than every window",
    policies: shipDays,
    at: "2026-03-13T20:47",
    duration: 16 * hour,
    expected: {
      open: false,
      nextOpen: "2026-03-17T04:00",
      nextFit: null,
      neverOpensReason: "no opening in the next 400 days is as long as 16h; the longest lasts 15h",
    },
  },
  {
    name: "no policies: always open",
    policies: [],
    at: "2026-02-01T00:00",
    duration: 1000 * day,
    expected: {
      open: true,
      fits: true,
      since: null,
      nextOpen: null,
      nextClose: null,
      latestStart: null,
      nextFit: "2026-02-01T00:00",
      because: [],
      neverOpensReason: null,
    },
  },
  {
    name: "open around the clock has no close",
    policies: [policy("America/New_York", { allow: [weekly("daily 00:00–24:00")] })],
    at: "2026-02-01T00:00",
    duration: day,
    expected: {
      open: true,
      fits: true,
      since: null,
      nextOpen: null,
      nextClose: null,
      latestStart: null,
      neverOpensReason: null,
    },
  },
  {
    name: "longer than the calendar looks never fits",
    policies: [policy("UTC", { freeze: [dates("2029-01-01", "2029-01-01")] })],
    at: "2026-02-01T00:00",
    duration: 900 * day,
    expected: {
      open: true,
      fits: false,
      nextFit: null,
      neverOpensReason: "900d is longer than the 400 days that the calendar looks ahead",
    },
  },
  {
    name: "an empty list of windows never opens",
    policies: [policy("UTC", { allow: [] })],
    at: "2026-02-01T00:00",
    expected: {
      open: false,
      nextOpen: null,
      neverOpensReason: "no window of p (no windows) opens in the next 400 days",
    },
  },
  {
    name: "a day that a zone skipped (Apia crossed the date line)",
    policies: [policy("Pacific/Apia", { freeze: [dates("2011-12-30", "2011-12-30")] })],
    at: "2011-12-30T10:00",
    expected: { open: true, since: null, nextClose: null },
  },
  {
    name: "without a duration the last start is a millisecond before the close",
    policies: shipDays,
    at: "2026-03-12T18:15",
    expected: { open: true, fits: true, latestStart: "2026-03-12T18:59:59.999" },
  },
  {
    name: "all that close it are named",
    policies: [
      policy("UTC", { allow: [weekly("Mon–Fri 09:00–17:00")], freeze: [weekly("Sat–Sun 00:00–24:00", "Weekend")] }),
    ],
    at: "2026-05-02T12:00",
    expected: { open: false, because: ["Mon–Fri 09:00–17:00 UTC", "Weekend, Sat, Sun 00:00–24:00 UTC"] },
  },
];

/** Every test of calendar states; run by one file per process time zone. */
export function describeCalendarStates(processZone: string): void {
  test("the process runs in another time zone", () => {
    expect(Intl.DateTimeFormat().resolvedOptions().timeZone).toBe(processZone);
    const winter = new Date(0).getHours();
    expect(winter).toBe({ UTC: 0, "America/New_York": 19, "Australia/Lord_Howe": 10 }[processZone]);
  });

  test.each([...published, ...more])("$name", ({ policies, at: instant, duration, expected }) => {
    const state = calendarState(policies, at(instant), effectiveDuration(policies, duration ?? null));
    const actual: Expected = {
      open: state.open,
      fits: state.fits,
      since: utc(state.since),
      nextOpen: utc(state.nextOpen),
      nextClose: utc(state.nextClose),
      latestStart: utc(state.latestStart),
      nextFit: utc(state.nextFit),
      because: state.because.map(({ text }) => text),
      neverOpensReason: state.neverOpensReason,
    };
    expect(actual).toMatchObject(expected);
  });

  test("the next intervals, each with what ends it", () => {
    const intervals = upcomingIntervals(
      [
        policy("America/New_York", {
          allow: [weekly("Tue–Thu 00:00–15:00")],
          freeze: [span("2026-03-11T09:00", "2026-03-11T12:00", "Switch-over")],
        }),
      ],
      at("2026-03-10T12:00"),
      4,
    );
    expect(
      intervals.map(({ start, end, because }) => [utc(start), utc(end), ...because.map(({ text }) => text)]),
    ).toEqual([
      ["2026-03-10T04:00", "2026-03-10T19:00", "Tue–Thu 00:00–15:00 America/New_York"],
      ["2026-03-11T04:00", "2026-03-11T13:00", "Switch-over, 2026-03-11T09:00 to 2026-03-11T12:00"],
      ["2026-03-11T16:00", "2026-03-11T19:00", "Tue–Thu 00:00–15:00 America/New_York"],
      ["2026-03-12T04:00", "2026-03-12T19:00", "Tue–Thu 00:00–15:00 America/New_York"],
    ]);
  });
}

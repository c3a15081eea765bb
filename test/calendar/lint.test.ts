import { freezesDuring, windowStateOf } from "../../src/core/calendar/calendar-state.ts";
import { parseICalendar } from "../../src/core/calendar/icalendar.ts";
import { lintChangeWindow } from "../../src/core/calendar/lint.ts";
import type { ChangeWindow } from "../../src/core/calendar/types.ts";
import { at, dates, hour, minute, policy, span, utc, weekly } from "./policies.ts";

function lint(parts: Partial<ChangeWindow>, now: string | null = null): string[] {
  const { changeWindow } = policy("America/New_York", parts);
  return lintChangeWindow(changeWindow, now === null ? null : at(now)).map(
    ({ severity, path, message }) => `${severity} ${path}: ${message}`,
  );
}

test.each([
  ["long enough", { allow: [weekly("Mon 09:00–10:00")], expectedDurationMs: hour }, []],
  [
    "too short",
    { allow: [weekly("Mon 09:00–10:00"), weekly("Tue 09:00–09:30")], expectedDurationMs: hour },
    ["error allow[1]: Tue 09:00–09:30 lasts 30m, less than the expectedDuration of 1h"],
  ],
  [
    "adjoining windows are one",
    { allow: [weekly("Mon 23:30–24:00"), weekly("Tue 00:00–00:30")], expectedDurationMs: hour },
    [],
  ],
  [
    "across the end of the week too",
    { allow: [weekly("Sun 23:30–24:00"), weekly("Mon 00:00–00:30")], expectedDurationMs: hour },
    [],
  ],
  [
    "a one-off that is too short",
    { allow: [span("2026-01-10T09:00", "2026-01-10T09:20")], expectedDurationMs: hour },
    ["error allow[0]: 2026-01-10T09:00 to 2026-01-10T09:20 lasts 20m, less than the expectedDuration of 1h"],
  ],
  [
    "a one-off beside a weekly window",
    { allow: [span("2026-01-10T09:00", "2026-01-10T09:20"), weekly("Sat 09:20–11:00")], expectedDurationMs: hour },
    [],
  ],
  [
    "a day that the clocks shorten is no error",
    { allow: [weekly("Sun 01:00–04:00")], expectedDurationMs: 3 * hour },
    [],
  ],
  ["no windows", { allow: null, expectedDurationMs: hour }, []],
])("lint: %s", (_name, parts, expected) => {
  expect(lint(parts)).toEqual(expected);
});

describe("lint: calendars that run out", () => {
  const freeze = (event: string) => {
    const calendar = parseICalendar(`BEGIN:VCALENDAR\n${event}\nEND:VCALENDAR`, "holidays.ics");
    return [{ kind: "calendar" as const, path: "holidays.ics", calendar, reason: null }];
  };
  const christmas = freeze("BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261225\nEND:VEVENT");
  const message =
    "warning freeze[0]: holidays.ics runs out: its last event ends on 2026-12-25, and nothing is frozen after that; add the coming events";

  test.each([
    ["more than 90 days before its end", christmas, "2026-09-01T00:00", []],
    ["less than 90 days before its end", christmas, "2026-10-01T00:00", [message]],
    ["after its end", christmas, "2027-10-01T00:00", [message]],
    [
      "every year",
      freeze("BEGIN:VEVENT\nDTSTART;VALUE=DATE:20201225\nRRULE:FREQ=YEARLY\nEND:VEVENT"),
      "2026-12-20T00:00",
      [],
    ],
    [
      "empty",
      freeze("VERSION:2.0"),
      "2026-12-20T00:00",
      ["warning freeze[0]: holidays.ics holds no events and freezes nothing"],
    ],
    ["on no known day", christmas, null, []],
  ])("%s", (_name, windows, now, expected) => {
    expect(lint({ freeze: windows }, now)).toEqual(expected);
  });
});

describe("freezesDuring", () => {
  const policies = [
    policy(
      "UTC",
      { freeze: [weekly("Fri 12:00–14:00", "Lunch"), dates("2026-05-02", "2026-05-03", "Long weekend")] },
      "a",
    ),
    policy("UTC", { freeze: [weekly("Sat–Sun 00:00–24:00")] }, "b"),
  ];
  test.each([
    ["an instant before", "2026-05-01T11:59", 0, []],
    ["the first instant", "2026-05-01T12:00", 0, ["a Lunch 2026-05-01T12:00 2026-05-01T14:00"]],
    ["a duration that reaches it", "2026-05-01T11:30", 31 * minute, ["a Lunch 2026-05-01T12:00 2026-05-01T14:00"]],
    ["a duration that ends as it begins", "2026-05-01T11:30", 30 * minute, []],
    ["the instant of its end", "2026-05-01T14:00", 0, []],
    [
      "two policies, days joined",
      "2026-05-03T10:00",
      hour,
      ["a Long weekend 2026-05-02T00:00 2026-05-04T00:00", "b null 2026-05-02T00:00 2026-05-04T00:00"],
    ],
  ])("%s", (_name, from, duration, expected) => {
    const found = freezesDuring(policies, at(from), new Date(at(from).getTime() + duration));
    expect(
      found.map(({ policy: id, reason, interval }) => `${id} ${reason} ${utc(interval.start)} ${utc(interval.end)}`),
    ).toEqual(expected);
  });
});

test("windowStateOf puts freezes aside", () => {
  const policies = [policy("UTC", { allow: [weekly("Fri 09:00–17:00")], freeze: [weekly("Fri 00:00–24:00")] })];
  expect(windowStateOf(policies, at("2026-05-01T12:00"), hour)).toMatchObject({ open: true, fits: true });
  expect(windowStateOf(policies, at("2026-05-01T16:30"), hour)).toMatchObject({ open: true, fits: false });
  expect(windowStateOf(policies, at("2026-05-02T12:00"), hour)).toMatchObject({ open: false });
});

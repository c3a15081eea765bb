import type { CalendarPolicy, ChangeWindow, OneOffWindow, RecurringWindow } from "../../src/core/calendar/types.ts";
import { type Weekday, weekdays } from "../../src/core/calendar/types.ts";

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** `weekly("Tue–Thu 00:00–15:00")`, `weekly("daily 02:00–03:00")`. */
export function weekly(text: string, reason: string | null = null): RecurringWindow {
  const [daysText = "", hoursText = ""] = text.split(" ");
  const [from = "", to = ""] = hoursText.split("–");
  const [first, last] = daysText.split("–").map((name) => weekdays.indexOf(name as Weekday)); // the cases are spelled right
  const chosen = weekdays.filter(
    (_, i) => first !== undefined && (last === undefined ? i === first : i >= first && i <= last),
  );
  return {
    kind: "recurring",
    days: daysText === "daily" ? weekdays : chosen,
    from: minutes(from),
    to: minutes(to),
    reason,
  };
}

function minutes(text: string): number {
  const [hours = 0, rest = 0] = text.split(":").map(Number);
  return hours * 60 + rest;
}

/** Inclusive dates, as policies write them: `dates("2026-12-24", "2027-01-01")`. */
export function dates(from: string, to: string, reason: string | null = null): OneOffWindow {
  const next = new Date(Date.parse(`${to}T00:00:00Z`) + day).toISOString().slice(0, 10);
  const label = from === to ? from : `${from} to ${to}`;
  return { kind: "one-off", from: `${from}T00:00:00`, to: `${next}T00:00:00`, reason, label };
}

/** Local date-times, `to` exclusive. */
export function span(from: string, to: string, reason: string | null = null): OneOffWindow {
  return { kind: "one-off", from: `${from}:00`, to: `${to}:00`, reason, label: `${from} to ${to}` };
}

export function policy(timeZone: string, parts: Partial<ChangeWindow>, id = "p"): CalendarPolicy {
  return { policy: id, changeWindow: { timeZone, allow: null, freeze: [], expectedDurationMs: 0, ...parts } };
}

/** "2026-03-05T20:00" and the like are UTC. */
export function at(text: string): Date {
  return new Date(`${text}${text.length === 16 ? ":00" : ""}Z`);
}

/** Back to that form; null stays. */
export function utc(date: Date | null | undefined): string | null {
  if (date === null || date === undefined) return null;
  return date
    .toISOString()
    .replace(/(:00)?\.000Z$/, "")
    .replace(/Z$/, "");
}

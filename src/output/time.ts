import { formatInTimeZone } from "date-fns-tz";

/** "Fri 2026-03-13 16:47 America/New_York (2026-03-13 20:47 UTC)"; seconds only where there are some. */
export function localAndUtc(instant: Date, timeZone: string | null): string {
  const utc = `${inZone(instant, "UTC", "yyyy-MM-dd")} UTC`;
  if (timeZone === null || timeZone === "UTC") return inZone(instant, "UTC", "EEE yyyy-MM-dd").concat(" UTC");
  return `${inZone(instant, timeZone, "EEE yyyy-MM-dd")} ${timeZone} (${utc})`;
}

function inZone(instant: Date, timeZone: string, date: string): string {
  const seconds = instant.getTime() % 60_000 === 0 ? "" : ":ss";
  return formatInTimeZone(instant, timeZone, `${date} HH:mm${seconds}`);
}

/** "50 seconds", "12 minutes", "26 hours", "9 days": the largest unit of which there are at least two. */
export function roughDuration(ms: number): string {
  for (const [unit, size] of [
    ["day", 86_400_000],
    ["hour", 3_600_000],
    ["minute", 60_000],
  ] as const) {
    if (ms >= 2 * size) return plural(Math.floor(ms / size), unit);
  }
  return plural(Math.floor(ms / 1000), "second");
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

import { formatInTimeZone } from "date-fns-tz";

/** "Fri 2026-03-13 16:47", in the zone. */
export function localMinute(instant: Date, timeZone: string): string {
  return inZone(instant, timeZone, "EEE yyyy-MM-dd");
}

/** "Fri 2026-03-13 16:47 America/New_York (2026-03-13 20:47 UTC)"; seconds only where there are some. `timeZone: null` is UTC. */
export function localAndUtc(instant: Date, timeZone: string | null): string {
  if (timeZone === null || timeZone === "UTC") return `${inZone(instant, "UTC", "EEE yyyy-MM-dd")} UTC`;
  const utc = `${inZone(instant, "UTC", "yyyy-MM-dd")} UTC`;
  return `${inZone(instant, timeZone, "EEE yyyy-MM-dd")} ${timeZone} (${utc})`;
}

function inZone(instant: Date, timeZone: string, date: string): string {
  const seconds = instant.getTime() % 60_000 === 0 ? "" : ":ss";
  return formatted(Math.floor(instant.getTime() / 1000), timeZone, `${date} HH:mm${seconds}`);
}

const known = new Map<string, string>();
const mostKnown = 1_000;

/** Findings of the same second and next openings are written again and again, and finding a zone's offset takes long. */
function formatted(second: number, timeZone: string, form: string): string {
  const key = `${second} ${timeZone} ${form}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  if (known.size >= mostKnown) known.clear();
  const text = formatInTimeZone(new Date(second * 1000), timeZone, form);
  known.set(key, text);
  return text;
}

/**
 * Wall clocks without a zone. A *local time* is the number of milliseconds that an UTC clock showing the same date and
 * time would have counted since 1970; a *day number* counts days since 1970-01-01. Proleptic Gregorian calendar.
 */
export const secondMs = 1_000;
export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

export interface CivilDate {
  year: number;
  /** 1..12 */
  month: number;
  /** 1..31 */
  day: number;
}

export function dayNumber(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime() / dayMs;
}

export function civilDate(day: number): CivilDate {
  const date = new Date(day * dayMs);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** 0 = Monday … 6 = Sunday. */
export function weekdayIndex(day: number): number {
  return (((day + 3) % 7) + 7) % 7;
}

export function daysInMonth(year: number, month: number): number {
  return dayNumber(year, month + 1, 1) - dayNumber(year, month, 1);
}

const wallClockForm = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})$/;

/** "2026-01-10T09:00:00" → local time; null for another form or a date that does not exist. 24:00 and leap seconds do not exist. */
export function parseWallClock(text: string): number | null {
  const match = wallClockForm.exec(text);
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  return dayNumber(year, month, day) * dayMs + hour * hourMs + minute * minuteMs + second * secondMs;
}

/** "2026-01-10 09:00", with seconds only where there are any. */
export function formatLocalTime(local: number): string {
  const text = new Date(local).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, local % minuteMs === 0 ? 16 : 19)}`;
}

export function formatLocalDate(local: number): string {
  return new Date(local).toISOString().slice(0, 10);
}

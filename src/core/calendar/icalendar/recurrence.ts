import { civilDate, dayMs, dayNumber, daysInMonth, hourMs, minuteMs, secondMs, weekdayIndex } from "../civil.ts";
import type { Interval } from "../intervals.ts";
import type { Frequency, RecurrenceRule } from "./model.ts";

/**
 * Own expansion instead of ical.js's iterator: that one never returns from a rule that matches no day (31 February),
 * takes BYWEEKNO for nothing, keeps YEARLY;BYMONTHDAY to one month, and walks every occurrence since DTSTART.
 */

/** Periods that may be looked at in one go. A day-based rule from 1600 stays below it. */
export const stepLimit = 200_000;

const stepMs: Partial<Record<Frequency, number>> = { HOURLY: hourMs, MINUTELY: minuteMs, SECONDLY: secondMs };
const lastYear = 2999;

/**
 * Local times of the rule at or after `start` (DTSTART) and inside [range.start, range.end], ascending, without regard
 * to UNTIL. Stops by itself after `stepLimit` periods and at the year 2999.
 */
export function* occurrences(rule: RecurrenceRule, start: number, range: Interval): Generator<number> {
  const from = Math.max(start, range.start);
  const periods = periodsOf(rule, start, from);
  for (let step = 0; step < stepLimit; step++) {
    const period = periods(step);
    if (period.start > range.end || period.start > dayNumber(lastYear, 12, 31) * dayMs) return;
    for (const local of select(rule, period.candidates())) {
      if (local > range.end) return;
      if (local >= from) yield local;
    }
  }
}

/** The last local time of the rule that is not later than `limit`; null: none. */
export function lastOccurrenceBefore(rule: RecurrenceRule, start: number, limit: number): number | null {
  for (const years of [2, 20, 10_000]) {
    let last: number | null = null;
    for (const local of occurrences(rule, start, { start: limit - years * 366 * dayMs, end: limit })) last = local;
    if (last !== null) return last;
  }
  return null;
}

interface Period {
  /** Local time; no candidate is earlier. */
  start: number;
  /** Ascending. */
  candidates(): number[];
}

/** Numbered so that period 0 is the last one that begins at or before `from`, on the rule's own rhythm. */
function periodsOf(rule: RecurrenceRule, start: number, from: number): (step: number) => Period {
  const startDay = Math.floor(start / dayMs);
  const startDate = civilDate(startDay);
  const fromDay = Math.floor(from / dayMs);
  const fromDate = civilDate(fromDay);
  const onRhythm = (first: number, target: number) => first + skip(target - first, rule.interval);
  const days = (first: number, end: number): Period => ({
    start: first * dayMs,
    candidates: () => dayCandidates(rule, first, end),
  });
  switch (rule.frequency) {
    case "YEARLY": {
      const year = onRhythm(startDate.year, fromDate.year);
      return (step) => yearPeriod(rule, year + step * rule.interval);
    }
    case "MONTHLY": {
      const month = onRhythm(startDate.year * 12 + startDate.month - 1, fromDate.year * 12 + fromDate.month - 1);
      return (step) => {
        const index = month + step * rule.interval;
        const [year, inYear] = [Math.floor(index / 12), (index % 12) + 1];
        return days(dayNumber(year, inYear, 1), dayNumber(year, inYear + 1, 1));
      };
    }
    case "WEEKLY": {
      const first = startOfWeek(startDay, rule.weekStart);
      const week = first + 7 * skip((startOfWeek(fromDay, rule.weekStart) - first) / 7, rule.interval);
      return (step) => days(week + 7 * step * rule.interval, week + 7 * step * rule.interval + 7);
    }
    case "DAILY": {
      const day = onRhythm(startDay, fromDay);
      return (step) => days(day + step * rule.interval, day + step * rule.interval + 1);
    }
    default: {
      const unit = stepMs[rule.frequency] ?? secondMs;
      const first = onRhythm(Math.floor(start / unit), Math.floor(from / unit));
      return (step) => clockPeriod(rule, (first + step * rule.interval) * unit, start, unit);
    }
  }
}

/** The largest multiple of `interval` that is not beyond `distance`, and not negative. */
function skip(distance: number, interval: number): number {
  return Math.max(0, Math.floor(distance / interval) * interval);
}

/** Only the months that can match, so that a rule of centuries stays cheap. */
function yearPeriod(rule: RecurrenceRule, year: number): Period {
  return {
    start: dayNumber(year, 1, 1) * dayMs,
    candidates() {
      const { months } = rule;
      if (months === null) return dayCandidates(rule, dayNumber(year, 1, 1), dayNumber(year + 1, 1, 1));
      const ascending = [...months].sort((a, b) => a - b);
      return ascending.flatMap((month) =>
        dayCandidates(rule, dayNumber(year, month, 1), dayNumber(year, month + 1, 1)),
      );
    },
  };
}

function dayCandidates(rule: RecurrenceRule, first: number, end: number): number[] {
  const candidates: number[] = [];
  for (let day = first; day < end; day++) {
    if (!matchesDay(rule, day)) continue;
    for (const hour of rule.hours ?? [0]) {
      for (const minute of rule.minutes ?? [0]) {
        for (const second of rule.seconds ?? [0]) {
          candidates.push(day * dayMs + hour * hourMs + minute * minuteMs + second * secondMs);
        }
      }
    }
  }
  return candidates.sort((a, b) => a - b);
}

/** An hour, a minute or a second: what is finer than it is expanded, what is coarser restricts. */
function clockPeriod(rule: RecurrenceRule, period: number, start: number, unit: number): Period {
  const timeOfDay = ((period % dayMs) + dayMs) % dayMs;
  const hour = Math.floor(timeOfDay / hourMs);
  const minute = Math.floor((timeOfDay % hourMs) / minuteMs);
  const second = Math.floor((timeOfDay % minuteMs) / secondMs);
  const restricts = (values: readonly number[] | null, value: number) => values !== null && !values.includes(value);
  return {
    start: period,
    candidates() {
      if (!matchesDay(rule, Math.floor(period / dayMs)) || restricts(rule.hours, hour)) return [];
      if (unit < hourMs && restricts(rule.minutes, minute)) return [];
      if (unit < minuteMs && restricts(rule.seconds, second)) return [];
      const minutes = unit < hourMs ? [0] : (rule.minutes ?? [Math.floor((start % hourMs) / minuteMs)]);
      const seconds = unit < minuteMs ? [0] : (rule.seconds ?? [Math.floor((start % minuteMs) / secondMs)]);
      return minutes
        .flatMap((inHour) => seconds.map((inMinute) => period + inHour * minuteMs + inMinute * secondMs))
        .sort((a, b) => a - b);
    },
  };
}

function select({ positions }: RecurrenceRule, candidates: readonly number[]): readonly number[] {
  if (positions === null) return candidates;
  return candidates.filter((_, i) => positions.includes(i + 1) || positions.includes(i - candidates.length));
}

function matchesDay(rule: RecurrenceRule, dayIndex: number): boolean {
  const { months, monthDays, yearDays, weekNumbers, weekdays } = rule;
  const { year, month, day } = civilDate(dayIndex);
  if (months !== null && !months.includes(month)) return false;
  if (monthDays !== null) {
    const length = daysInMonth(year, month);
    if (!monthDays.includes(day) && !monthDays.includes(day - length - 1)) return false;
  }
  const firstOfYear = dayNumber(year, 1, 1);
  const firstOfNextYear = dayNumber(year + 1, 1, 1);
  if (yearDays !== null) {
    if (!yearDays.includes(dayIndex - firstOfYear + 1) && !yearDays.includes(dayIndex - firstOfNextYear)) return false;
  }
  if (weekNumbers !== null && !matchesWeek(weekNumbers, dayIndex, rule.weekStart)) return false;
  if (weekdays === null) return true;
  const inMonth = rule.frequency === "MONTHLY" || months !== null;
  const first = inMonth ? dayNumber(year, month, 1) : firstOfYear;
  const end = inMonth ? dayNumber(year, month + 1, 1) : firstOfNextYear;
  return weekdays.some(({ weekday, nth }) => {
    if (weekday !== weekdayIndex(dayIndex)) return false;
    if (nth === null) return true;
    return nth > 0 ? Math.floor((dayIndex - first) / 7) + 1 === nth : Math.floor((end - 1 - dayIndex) / 7) + 1 === -nth;
  });
}

/** Week 1 is the first with at least four days in its year. */
function matchesWeek(weekNumbers: readonly number[], dayIndex: number, weekStart: number): boolean {
  const week = startOfWeek(dayIndex, weekStart);
  const { year } = civilDate(week + 3);
  const first = startOfWeek(dayNumber(year, 1, 4), weekStart);
  const next = startOfWeek(dayNumber(year + 1, 1, 4), weekStart);
  return weekNumbers.includes((week - first) / 7 + 1) || weekNumbers.includes((week - next) / 7);
}

function startOfWeek(dayIndex: number, weekStart: number): number {
  return dayIndex - ((weekdayIndex(dayIndex) - weekStart + 7) % 7);
}

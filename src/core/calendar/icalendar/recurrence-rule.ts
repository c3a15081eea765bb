import { z } from "zod";
import { inputIssues } from "../../errors.ts";
import { civilDate, dayMs, hourMs, minuteMs, secondMs, weekdayIndex } from "../civil.ts";
import { type Property, quoted } from "./lines.ts";
import type { EventTime, Frequency, RecurrenceRule } from "./model.ts";
import { occurrences } from "./recurrence.ts";
import { type Context, invalid, timeOf } from "./values.ts";

const dayCodes = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const codeForm = /^([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/;

/** ical.js gives a single value bare. */
function listOf<T extends z.ZodType>(item: T) {
  return z
    .union([item.transform((value) => [value]), z.array(item).min(1)])
    .nullable()
    .default(null);
}
const whole = (min: number, max: number) => z.number().int().min(min).max(max);
const signed = (max: number) => whole(-max, max).refine((value) => value !== 0, "must not be 0");

const ruleParts = z.strictObject({
  freq: z.enum(["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
  until: z.string().optional(),
  count: whole(1, 100_000).optional(),
  interval: whole(1, 10_000).default(1),
  /** ical.js: 1 = Sunday. */
  wkst: whole(1, 7).default(2),
  bysecond: listOf(whole(0, 59)),
  byminute: listOf(whole(0, 59)),
  byhour: listOf(whole(0, 23)),
  byday: listOf(z.string().regex(codeForm)),
  bymonthday: listOf(signed(31)),
  byyearday: listOf(signed(366)),
  byweekno: listOf(signed(53)),
  bymonth: listOf(whole(1, 12)),
  bysetpos: listOf(signed(366)),
});
type RuleParts = z.output<typeof ruleParts>;

const unitMs: Record<Frequency, number> = {
  SECONDLY: secondMs,
  MINUTELY: minuteMs,
  HOURLY: hourMs,
  DAILY: dayMs,
  WEEKLY: 7 * dayMs,
  MONTHLY: 28 * dayMs,
  YEARLY: 365 * dayMs,
};
/** Without end, a rule may repeat every hour at most; other rules of hours and less must end within `mostSteps`. */
const mostPerDay = 24;
const mostSteps = 20_000;

/** An RRULE, made complete with its event's DTSTART. */
export function readRule(context: Context, property: Property, start: EventTime): RecurrenceRule {
  const fail = (message: string) => invalid(context, property, `${quoted(property.text)}: ${message}`);
  const parsed = ruleParts.safeParse(property.values[0]);
  if (!parsed.success) {
    const issues = inputIssues(parsed.error.issues).map(({ path, message }) => `${path.toUpperCase()}: ${message}`);
    throw fail(issues.join("; "));
  }
  const parts = parsed.data;
  const problem = illegalCombination(parts);
  if (problem !== null) throw fail(problem);
  const rule = complete(parts, start, parts.until === undefined ? null : readUntil(context, property, start));
  if (start.kind === "date" && unitMs[parts.freq] < dayMs) throw fail(`FREQ=${parts.freq} needs a DTSTART with a time`);
  const perDay = (rule.hours?.length ?? 1) * (rule.minutes?.length ?? 1) * (rule.seconds?.length ?? 1);
  if (perDay > mostPerDay) throw fail(`more than ${mostPerDay} occurrences a day`);
  const until = parts.count === undefined ? rule.until : untilOfCount(rule, parts.count, start);
  const steps = ((until?.local ?? Number.POSITIVE_INFINITY) - start.local) / (parts.interval * unitMs[parts.freq]);
  const isEndlessHourly = parts.count === undefined && parts.freq === "HOURLY";
  if (unitMs[parts.freq] < dayMs && !isEndlessHourly && steps > mostSteps) {
    throw fail(
      `repeats more often than every hour for too long, or ends too late; end it within ${mostSteps} steps, or write one longer event`,
    );
  }
  return { ...rule, until };
}

/** The table of RFC 5545 section 3.3.10. */
function illegalCombination(parts: RuleParts): string | null {
  const { freq, byday, bymonthday, byyearday, byweekno, bysetpos } = parts;
  if (parts.until !== undefined && parts.count !== undefined) return "UNTIL and COUNT exclude each other";
  if (byweekno !== null && freq !== "YEARLY") return "BYWEEKNO needs FREQ=YEARLY";
  if (byyearday !== null && ["DAILY", "WEEKLY", "MONTHLY"].includes(freq))
    return `BYYEARDAY has no meaning in FREQ=${freq}`;
  if (bymonthday !== null && freq === "WEEKLY") return "BYMONTHDAY has no meaning in FREQ=WEEKLY";
  const numbered = byday?.find((code) => code.length > 2);
  const zeroth = byday?.find((code) => /^[+-]?0/.test(code) && Number(codeForm.exec(code)?.[1]) === 0);
  if (zeroth !== undefined) return `BYDAY=${zeroth}: there is no such day`;
  if (numbered !== undefined && (!["MONTHLY", "YEARLY"].includes(freq) || byweekno !== null)) {
    return `BYDAY=${numbered} needs FREQ=MONTHLY or FREQ=YEARLY without BYWEEKNO`;
  }
  const others = [byday, bymonthday, byyearday, byweekno, parts.bymonth, parts.byhour, parts.byminute, parts.bysecond];
  if (bysetpos !== null && others.every((part) => part === null)) return "BYSETPOS needs another BY part";
  return null;
}

function complete(parts: RuleParts, start: EventTime, until: EventTime | null): RecurrenceRule {
  const { freq, bymonth, byweekno, byyearday, bymonthday, byday } = parts;
  const startDay = Math.floor(start.local / dayMs);
  const { month, day } = civilDate(startDay);
  const timeOfDay = start.local - startDay * dayMs;
  const free = byweekno === null && byyearday === null && bymonthday === null && byday === null;
  const isDate = start.kind === "date";
  const dayBased = unitMs[freq] >= dayMs;
  const needsMonthDay = free && (freq === "YEARLY" || freq === "MONTHLY");
  const needsWeekday =
    byday === null && (freq === "WEEKLY" || (byweekno !== null && byyearday === null && bymonthday === null));
  const clock = (given: number[] | null, own: number) => (isDate ? null : (given ?? (dayBased ? [own] : null)));
  return {
    frequency: freq,
    interval: parts.interval,
    weekStart: (parts.wkst + 5) % 7,
    until,
    months: bymonth ?? (free && freq === "YEARLY" ? [month] : null),
    weekNumbers: byweekno,
    yearDays: byyearday,
    monthDays: bymonthday ?? (needsMonthDay ? [day] : null),
    weekdays: needsWeekday ? [{ weekday: weekdayIndex(startDay), nth: null }] : (byday?.map(readWeekday) ?? null),
    hours: clock(parts.byhour, Math.floor(timeOfDay / hourMs)),
    minutes: clock(parts.byminute, Math.floor((timeOfDay % hourMs) / minuteMs)),
    seconds: clock(parts.bysecond, Math.floor((timeOfDay % minuteMs) / secondMs)),
    positions: parts.bysetpos,
  };
}

function readWeekday(code: string): { weekday: number; nth: number | null } {
  const [, nth, day = ""] = codeForm.exec(code) ?? [];
  return { weekday: dayCodes.indexOf(day), nth: nth === undefined ? null : Number(nth) };
}

function readUntil(context: Context, property: Property, start: EventTime): EventTime {
  const written = /;UNTIL=([^;]*)|:UNTIL=([^;]*)/.exec(property.text);
  const value = written?.[1] ?? written?.[2] ?? "";
  const [date = "", time = ""] = value.split("T");
  const [year, month, day] = [date.slice(0, 4), date.slice(4, 6), date.slice(6)];
  const [hour, minute, second] = [time.slice(0, 2), time.slice(2, 4), time.slice(4)];
  const isDate = !value.includes("T");
  const text = isDate ? `${year}-${month}-${day}` : `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const until = timeOf(context, {
    ...property,
    type: isDate ? "date" : "date-time",
    values: [text],
    text: `UNTIL:${value}`,
    parameters: new Map(),
  });
  // Without Z it is a time of the event's own clock.
  return until.kind === "floating" ? { ...start, local: until.local } : until;
}

/**
 * COUNT as an UNTIL, so that nobody has to count from the beginning again. DTSTART is the first, whether it matches or
 * not. null: a rule of hours or less does not get there within `mostSteps`.
 */
function untilOfCount(rule: RecurrenceRule, count: number, start: EventTime): EventTime | null {
  const unit = unitMs[rule.frequency];
  const end = unit < dayMs ? start.local + mostSteps * rule.interval * unit : Number.POSITIVE_INFINITY;
  let left = count - 1;
  let last = start.local;
  if (left === 0) return { ...start };
  for (const local of occurrences(rule, start.local, { start: start.local + 1, end })) {
    last = local;
    left--;
    if (left === 0) break;
  }
  return left > 0 && unit < dayMs ? null : { ...start, local: last };
}

import { dayMs, dayNumber, hourMs, minuteMs, secondMs } from "./civil.ts";

/** Instants are milliseconds since 1970 UTC; local times are as in civil.ts. */
export interface TimeZone {
  name: string;
  /** Local time minus UTC at an instant, in milliseconds. */
  offsetAt(instant: number): number;
}

/** The instants at which a zone's clocks show one local time. */
export interface LocalInstants {
  first: number;
  /** Later than `first` only where clocks are set back and show the time twice. */
  last: number;
}

const areas = new Set(
  "Africa America Antarctica Arctic Asia Atlantic Australia Brazil Canada Chile Etc Europe Indian Mexico Pacific US".split(
    " ",
  ),
);
/** How the IANA database writes a part of a name: "New_York", "Port-au-Prince", "DumontDUrville", "NSW", "GMT+5". */
const namePart =
  /^(?:[A-Z][a-z]+(?:[A-Z][a-z]*)*|[A-Z]{2,3}(?:[+-]?\d{1,2})?)(?:[_-](?:[A-Z][a-z]+|[A-Z]{2}|[a-z]{2}))*$/;

/**
 * True for "UTC" and for "Area/Location" names of the IANA time zone database in their own spelling. Refused on purpose:
 * offsets ("+02:00") and the database's names without an area ("EST5EDT", "CET", "Japan", and what ICU adds: "IST",
 * "ACT"), since people read them as something else than the database does.
 */
export function isTimeZone(name: string): boolean {
  if (name === "UTC") return true;
  const [area = "", ...parts] = name.split("/");
  if (!areas.has(area) || parts.length === 0 || !parts.every((part) => namePart.test(part))) return false;
  const known = clockOf(name)?.resolvedOptions().timeZone;
  return known !== undefined && (known.toLowerCase() !== name.toLowerCase() || known === name);
}

const clocks = new Map<string, Intl.DateTimeFormat>();

/** Kept, since making one costs milliseconds. */
function clockOf(name: string): Intl.DateTimeFormat | null {
  const known = clocks.get(name);
  if (known !== undefined) return known;
  try {
    const clock = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    clocks.set(name, clock);
    return clock;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

export const utc: TimeZone = { name: "UTC", offsetAt: () => 0 };

const zones = new Map<string, TimeZone>();

/** The zone of an IANA name. Throws a RangeError for anything else: names are checked with isTimeZone where they come in. */
export function timeZone(name: string): TimeZone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const clock = isTimeZone(name) ? clockOf(name) : null;
  if (clock === null) throw new RangeError(`Not an IANA time zone: ${JSON.stringify(name)}`);
  const zone = name === "UTC" ? utc : ianaZone(name, clock);
  zones.set(name, zone);
  return zone;
}

/**
 * Offsets are kept per block, since one look at Intl costs more than all the rest. A block never holds two changes of
 * offset: the closest two of the whole database are four days apart (Africa/Freetown, 1939).
 */
const blockMs = 3 * dayMs;
const blocksKept = 10_000;
/** Before it Intl counts years of another era; every zone has its local mean time there. */
const earliest = dayNumber(1, 1, 3) * dayMs;

function ianaZone(name: string, clock: Intl.DateTimeFormat): TimeZone {
  const measure = (instant: number): number => {
    const fields = clock.format(instant).match(/\d+/g)?.map(Number) ?? [];
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = fields;
    const local = dayNumber(year, month, day) * dayMs + hour * hourMs + minute * minuteMs + second * secondMs;
    return local - Math.floor(instant / secondMs) * secondMs;
  };
  const starts = new Map<number, number>();
  const atBlockStart = (block: number): number => {
    const known = starts.get(block);
    if (known !== undefined) return known;
    if (starts.size >= blocksKept) starts.clear();
    const offset = measure(block * blockMs);
    starts.set(block, offset);
    return offset;
  };
  const changes = new Map<number, number>();
  return {
    name,
    offsetAt(instant) {
      const block = Math.floor(Math.max(instant, earliest) / blockMs);
      const before = atBlockStart(block);
      const after = atBlockStart(block + 1);
      if (before === after) return before;
      let change = changes.get(block);
      if (change === undefined) {
        change = findChange(measure, block * blockMs, (block + 1) * blockMs);
        changes.set(block, change);
      }
      return instant < change ? before : after;
    },
  };
}

/** The first instant, to the second, that has another offset than `low`. `high` has it already. */
function findChange(offsetAt: (instant: number) => number, low: number, high: number): number {
  const before = offsetAt(low);
  let same = low;
  let changed = high;
  while (changed - same > secondMs) {
    const middle = same + Math.floor((changed - same) / 2 / secondMs) * secondMs;
    if (offsetAt(middle) === before) same = middle;
    else changed = middle;
  }
  return changed;
}

export function toLocal(zone: TimeZone, instant: number): number {
  return instant + zone.offsetAt(instant);
}

/** Wider than any offset, so that [local − reach, local + reach] holds every instant that could show `local`. */
const reach = 26 * hourMs;

/** A local time that clocks skip is the instant of the change; one that they show twice has two instants. */
export function toInstants(zone: TimeZone, local: number): LocalInstants {
  const before = zone.offsetAt(local - reach);
  const after = zone.offsetAt(local + reach);
  const early = local - before;
  if (before === after) return { first: early, last: early };
  const late = local - after;
  const earlyShows = zone.offsetAt(early) === before;
  const lateShows = zone.offsetAt(late) === after;
  if (earlyShows && lateShows) return { first: early, last: late };
  if (earlyShows) return { first: early, last: early };
  if (lateShows) return { first: late, last: late };
  const change = findChange((instant) => zone.offsetAt(instant), late, early);
  return { first: change, last: change };
}

import { dayMs, dayNumber, hourMs, minuteMs, secondMs } from "../civil.ts";
import { isTimeZone, type TimeZone } from "../zone.ts";
import { type Component, type Property, propertiesOf, quoted } from "./lines.ts";
import { ICalendarError } from "./model.ts";
import { occurrences } from "./recurrence.ts";
import { readRule } from "./recurrence-rule.ts";
import { type Context, invalid, textOf, timeOf, timesOf } from "./values.ts";

interface Change {
  instant: number;
  before: number;
  after: number;
}

/** Changes are listed for these years; before and after, the nearest offset holds. */
const firstYear = 1970;
const lastYear = 2200;
const mostChanges = 20_000;

/** The VTIMEZONEs of a calendar whose TZID is no IANA name (for those the database's rules hold), by TZID. */
export function readTimeZones(calendar: Component, source: string): Map<string, TimeZone> {
  const zones = new Map<string, TimeZone>();
  const context: Context = { source, zones };
  for (const component of calendar.components.filter(({ name }) => name === "vtimezone")) {
    const name = textOf(propertiesOf(component, "tzid")[0]);
    if (name === null) throw new ICalendarError(source, component.line, "a VTIMEZONE without TZID");
    if (!isTimeZone(name)) zones.set(name, zoneOfChanges(name, readChanges(context, component)));
  }
  return zones;
}

function readChanges(context: Context, component: Component): Change[] {
  const observances = component.components.filter(({ name }) => name === "standard" || name === "daylight");
  const changes = observances.flatMap((observance) => observanceChanges(context, observance));
  if (changes.length === 0) {
    throw new ICalendarError(context.source, component.line, "a VTIMEZONE without STANDARD or DAYLIGHT");
  }
  return changes.sort((a, b) => a.instant - b.instant);
}

/** RFC 5545 section 3.6.5: DTSTART, RRULE and RDATE are local times by the offset that ends then. */
function observanceChanges(context: Context, observance: Component): Change[] {
  const startProperty = required(context, observance, "dtstart");
  const start = timeOf(context, startProperty);
  if (start.kind !== "floating")
    throw invalid(context, startProperty, `${quoted(startProperty.text)}: expected a local date-time`);
  const before = readOffset(context, required(context, observance, "tzoffsetfrom"));
  const after = readOffset(context, required(context, observance, "tzoffsetto"));
  const locals = new Set([start.local]);
  const range = { start: dayNumber(firstYear, 1, 1) * dayMs, end: dayNumber(lastYear, 1, 1) * dayMs };
  for (const property of propertiesOf(observance, "rrule")) {
    const rule = readRule(context, property, start);
    for (const local of occurrences(rule, start.local, range)) {
      const { until } = rule;
      const reached = until !== null && (until.kind === "zoned" ? local - before : local) > endOf(until);
      if (reached) break;
      locals.add(local);
      if (locals.size > mostChanges)
        throw invalid(context, property, `${quoted(property.text)}: too many changes of offset`);
    }
  }
  for (const property of propertiesOf(observance, "rdate")) {
    for (const added of timesOf(context, property)) locals.add(added.start.local);
  }
  return [...locals].map((local) => ({ instant: local - before, before, after }));
}

function endOf(until: { kind: string; local: number }): number {
  return until.kind === "date" ? until.local + dayMs - 1 : until.local;
}

function required(context: Context, component: Component, name: string): Property {
  const property = propertiesOf(component, name)[0];
  if (property !== undefined) return property;
  throw new ICalendarError(
    context.source,
    component.line,
    `${component.name.toUpperCase()} without ${name.toUpperCase()}`,
  );
}

const offsetForm = /^([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/;

function readOffset(context: Context, property: Property): number {
  const [, sign, hours, minutes, seconds] = offsetForm.exec(textOf(property) ?? "") ?? [];
  const size = Number(hours) * hourMs + Number(minutes) * minuteMs + Number(seconds ?? 0) * secondMs;
  if (!(size < 24 * hourMs))
    throw invalid(context, property, `${quoted(property.text)}: expected an offset such as -0500`);
  return sign === "-" ? -size : size;
}

function zoneOfChanges(name: string, changes: readonly Change[]): TimeZone {
  return {
    name,
    offsetAt(instant) {
      let low = 0;
      let high = changes.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((changes[middle]?.instant ?? Number.POSITIVE_INFINITY) <= instant) low = middle + 1;
        else high = middle;
      }
      return changes[low - 1]?.after ?? changes[0]?.before ?? 0;
    },
  };
}

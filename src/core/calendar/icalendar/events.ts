import { dayMs } from "../civil.ts";
import { type TimeZone, utc } from "../zone.ts";
import { type Component, type Property, propertiesOf, quoted } from "./lines.ts";
import { type EventLength, type EventTime, ICalendarError, type ICalendarEvent } from "./model.ts";
import { readRule } from "./recurrence-rule.ts";
import { type Context, invalid, lengthInDays, readDuration, textOf, timeOf, timesOf } from "./values.ts";

interface ReadEvent extends ICalendarEvent {
  uid: string | null;
  recurrenceId: EventTime | null;
  cancelled: boolean;
}

/** The events of one VCALENDAR, without what is cancelled. */
export function readEvents(
  calendar: Component,
  source: string,
  zones: ReadonlyMap<string, TimeZone>,
): ICalendarEvent[] {
  const context: Context = { source, zones };
  const events = calendar.components.filter(({ name }) => name === "vevent").map((event) => readEvent(context, event));
  const replacements = new Map<string, ReadEvent[]>();
  for (const event of events) {
    if (event.recurrenceId === null || event.uid === null) continue;
    replacements.set(event.uid, [...(replacements.get(event.uid) ?? []), event]);
  }
  return events
    .filter(({ cancelled }) => !cancelled)
    .map((event): ICalendarEvent => {
      const { uid, recurrenceId, cancelled: _, ...rest } = event;
      if (recurrenceId !== null) return rest;
      const replaced = replacements.get(uid ?? "")?.flatMap((replacement) => {
        const id = replacement.recurrenceId;
        return id === null ? [] : [exclusionOf(source, replacement.line, event.start, id)];
      });
      return { ...rest, exclusions: [...rest.exclusions, ...(replaced ?? [])] };
    });
}

function readEvent(context: Context, component: Component): ReadEvent {
  const startProperty = single(context, component, "dtstart");
  if (startProperty === null) throw new ICalendarError(context.source, component.line, "VEVENT without DTSTART");
  refuseUnsupported(context, component);
  const start = timeOf(context, startProperty);
  const recurrenceId = single(context, component, "recurrence-id");
  return {
    uid: textOf(propertiesOf(component, "uid")[0]),
    summary: textOf(propertiesOf(component, "summary")[0]),
    line: component.line,
    start,
    length: readLength(context, component, start),
    rules: propertiesOf(component, "rrule").map((property) => readRule(context, property, start)),
    additions: propertiesOf(component, "rdate").flatMap((property) => readAdditions(context, property, start)),
    exclusions: propertiesOf(component, "exdate").flatMap((property) =>
      timesOf(context, property).map((time) => exclusionOf(context.source, property.line, start, time.start)),
    ),
    recurrenceId: recurrenceId === null ? null : timeOf(context, recurrenceId),
    cancelled: textOf(propertiesOf(component, "status")[0])?.trim().toUpperCase() === "CANCELLED",
  };
}

function refuseUnsupported(context: Context, component: Component): void {
  const [exrule] = propertiesOf(component, "exrule");
  if (exrule !== undefined)
    throw invalid(context, exrule, "EXRULE is not supported (RFC 5545 dropped it); list the dates with EXDATE");
  const [recurrenceId] = propertiesOf(component, "recurrence-id");
  if (recurrenceId?.parameters.has("range")) {
    throw invalid(
      context,
      recurrenceId,
      "RANGE=THISANDFUTURE is not supported; end the series with UNTIL and begin another",
    );
  }
  const [rule] = propertiesOf(component, "rrule");
  if (recurrenceId !== undefined && rule !== undefined) {
    throw invalid(context, rule, "an event with a RECURRENCE-ID replaces one occurrence and cannot repeat");
  }
}

function single(context: Context, component: Component, name: string): Property | null {
  const [first, second] = propertiesOf(component, name);
  if (second !== undefined)
    throw invalid(context, second, `a second ${name.toUpperCase()} in the VEVENT of line ${component.line}`);
  return first ?? null;
}

function readLength(context: Context, component: Component, start: EventTime): EventLength {
  const end = single(context, component, "dtend");
  const duration = single(context, component, "duration");
  if (end !== null && duration !== null) throw invalid(context, duration, "DTEND and DURATION exclude each other");
  if (end !== null) return readEnd(context, end, start);
  if (duration === null) return { kind: "duration", days: start.kind === "date" ? 1 : 0, ms: 0 };
  const length = readDuration(context, duration, duration.values[0]);
  if (start.kind === "date" && length.ms > 0)
    throw invalid(context, duration, `${quoted(duration.text)}: an all-day event lasts whole days`);
  return length;
}

function readEnd(context: Context, property: Property, start: EventTime): EventLength {
  const end = timeOf(context, property);
  if ((end.kind === "date") !== (start.kind === "date")) {
    throw invalid(
      context,
      property,
      `${quoted(property.text)}: DTSTART and DTEND must both be dates or both date-times`,
    );
  }
  if (end.local < start.local && sameClock(start, end)) {
    throw invalid(context, property, `${quoted(property.text)}: ends before it begins`);
  }
  if (end.kind !== "date") return { kind: "until", end };
  // Some programs write a day as one that ends on itself.
  return { kind: "duration", days: Math.max(1, lengthInDays(start, end)), ms: 0 };
}

function sameClock(a: EventTime, b: EventTime): boolean {
  return a.kind === "zoned" && b.kind === "zoned" ? a.zone === b.zone : a.kind === b.kind;
}

function readAdditions(context: Context, property: Property, start: EventTime): ICalendarEvent["additions"] {
  const additions = timesOf(context, property);
  const other = additions.find((addition) => (addition.start.kind === "date") !== (start.kind === "date"));
  if (other !== undefined)
    throw invalid(context, property, `${quoted(property.text)}: must be of the kind of DTSTART, date or date-time`);
  return additions;
}

/** A date may exclude occurrences with a time (the whole day); for all-day events a local midnight stands for its date. */
function exclusionOf(source: string, line: number, start: EventTime, exclusion: EventTime): EventTime {
  if (start.kind !== "date" || exclusion.kind === "date") return exclusion;
  if (exclusion.local % dayMs === 0 && !(exclusion.kind === "zoned" && exclusion.zone === utc)) {
    return { kind: "date", local: exclusion.local };
  }
  throw new ICalendarError(
    source,
    line,
    "an occurrence of an all-day event is excluded by its date: EXDATE;VALUE=DATE:20261224",
  );
}

import ICAL from "ical.js";
import { z } from "zod";
import { ICalendarError } from "./model.ts";

export interface Property {
  /** Lower case. */
  name: string;
  line: number;
  parameters: ReadonlyMap<string, string>;
  /** Value type of RFC 5545 section 3.3, lower case. */
  type: string;
  /** As ical.js gives them: text, numbers, "2026-01-10T09:00:00Z", a pair for a period, an object for a rule. */
  values: readonly unknown[];
  /** The whole unfolded line. */
  text: string;
}

export interface Component {
  /** Lower case. */
  name: string;
  line: number;
  properties: Property[];
  components: Component[];
}

const jCal = z.tuple([z.string(), z.record(z.string(), z.unknown()), z.string().nullable()], z.unknown());
const lineForm = /^([A-Za-z0-9-]+)[;:]/;

/** The only properties that matter here. Values of all others are not looked at. */
const read = new Set(
  "dtstart dtend duration rrule rdate exdate exrule recurrence-id status uid summary tzid tzoffsetfrom tzoffsetto".split(
    " ",
  ),
);

/** The VCALENDARs of a text. ical.js reads the single lines; nesting is checked here, so that errors can name the line. */
export function readComponents(text: string, source: string): Component[] {
  const fail = (line: number | null, message: string, cause?: unknown): never => {
    throw new ICalendarError(source, line, message, { cause });
  };
  const calendars: Component[] = [];
  const open: Component[] = [];
  for (const { text: content, line } of unfold(text)) {
    const name = lineForm.exec(content)?.[1]?.toLowerCase();
    if (name === undefined) return fail(line, `not an iCalendar line: ${quoted(content)}`);
    const current = open.at(-1);
    const value = content
      .slice(name.length + 1)
      .trim()
      .toLowerCase();
    if (name === "begin") {
      const component = { name: value, line, properties: [], components: [] };
      if (current !== undefined) current.components.push(component);
      else if (value === "vcalendar") calendars.push(component);
      else fail(line, `${quoted(content)} outside of a VCALENDAR`);
      open.push(component);
    } else if (current === undefined) {
      fail(line, `${quoted(content)} outside of a VCALENDAR`);
    } else if (name === "end") {
      if (current.name !== value)
        fail(line, `END:${value.toUpperCase()} closes ${current.name.toUpperCase()} of line ${current.line}`);
      open.pop();
    } else if (read.has(name)) {
      current.properties.push(readProperty(content, name, line, fail));
    }
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) fail(unclosed.line, `${unclosed.name.toUpperCase()} begins here and never ends`);
  if (calendars.length === 0) fail(null, "holds no VCALENDAR");
  return calendars;
}

/** Lines of RFC 5545 section 3.1, with the number of the first line of each. */
function unfold(text: string): { text: string; line: number }[] {
  const unfolded: { text: string; line: number }[] = [];
  for (const [i, line] of text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .entries()) {
    const last = unfolded.at(-1);
    if (/^[ \t]/.test(line) && last !== undefined) last.text += line.slice(1);
    else if (line.trim() !== "") unfolded.push({ text: line, line: i + 1 });
  }
  return unfolded;
}

function readProperty(
  content: string,
  name: string,
  line: number,
  fail: (line: number, message: string, cause: unknown) => never,
): Property {
  try {
    // Keywords of a rule are case-insensitive (RFC 5545 section 2); ical.js knows them in upper case.
    const text = name === "rrule" ? content.toUpperCase() : content;
    const [, parameters, type, ...values] = jCal.parse(ICAL.parse.property(text));
    const single = Object.entries(parameters).flatMap(([key, value]) =>
      typeof value === "string" ? [[key, value] as const] : [],
    );
    return { name, line, parameters: new Map(single), type: type ?? "unknown", values, text };
  } catch (error) {
    return fail(
      line,
      `${quoted(content)} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

export function propertiesOf(component: Component, name: string): Property[] {
  return component.properties.filter((property) => property.name === name);
}

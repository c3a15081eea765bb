import { isRule } from "./psql-lines.ts";

export interface FooterEntry {
  /** Counted from 1. */
  line: number;
  text: string;
}

export interface FooterSection {
  line: number;
  /** "Indexes", "Partition key". */
  name: string;
  /** What follows the colon on its line. */
  value: string;
  entries: FooterEntry[];
}

/** One object of psql's `\d`. */
export interface DescribedObject {
  /** "Table", "Partitioned table", "Index", … */
  kind: string;
  schema: string;
  name: string;
  line: number;
  /** The lines of the column table, and the index of the first of them. */
  tableStart: number;
  sections: FooterSection[];
}

const title =
  /^\s*(Table|Unlogged table|Partitioned table|Unlogged partitioned table|Foreign table|Materialized view|Unlogged materialized view|View|Index|Partitioned index|Sequence|Composite type|TOAST table|Special relation) "([^"]+)"\s*$/;

const sectionLine = /^([A-Z][A-Za-z -]*)(?: \([^)]*\))?:(?!:)\s*(.*)$/;

export function looksLikeDescription(lines: readonly string[]): boolean {
  return lines.some((line) => title.test(line));
}

/** Splits the output of `\d` (PostgreSQL docs, psql) into objects with their footers. Names without a schema take `defaultSchema`. */
export function describedObjects(lines: readonly string[], defaultSchema: string): DescribedObject[] {
  const objects: DescribedObject[] = [];
  for (const [index, line] of lines.entries()) {
    const found = title.exec(line);
    if (found !== null) {
      const [, kind = "", qualified = ""] = found;
      const dot = qualified.indexOf(".");
      const schema = dot === -1 ? defaultSchema : qualified.slice(0, dot);
      objects.push({
        kind,
        schema,
        name: qualified.slice(dot + 1),
        line: index + 1,
        tableStart: index + 1,
        sections: [],
      });
    } else addFooterLine(objects.at(-1), line, index);
  }
  return objects;
}

function addFooterLine(object: DescribedObject | undefined, line: string, index: number): void {
  if (object === undefined || line.trim() === "" || isRule(line)) return;
  const section = sectionLine.exec(line);
  if (section !== null) {
    const [, name = "", value = ""] = section;
    object.sections.push({ line: index + 1, name, value, entries: [] });
    return;
  }
  const current = object.sections.at(-1);
  if (current === undefined) return; // a row of the column table
  const last = current.entries.at(-1);
  if (/^ {4}("|TABLE ")/.test(line)) current.entries.push({ line: index + 1, text: line.trim() });
  else if (last !== undefined) last.text += `\n${line}`;
  else current.value += ` ${line.trim()}`;
}

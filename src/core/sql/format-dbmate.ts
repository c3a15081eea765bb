import { type Line, readLines } from "./format-lines.ts";
import { type Action, type Section, type SectionResult, upAndDown } from "./formats.ts";
import type { SourceText } from "./source-text.ts";

/**
 * dbmate: the up part is what stands between `-- migrate:up [transaction:false]` and `-- migrate:down`, both at the start of a
 * line; sent in one message, inside a transaction unless told not to (github.com/amacneil/dbmate, "Migration files").
 */
export function dbmateSections(source: SourceText, action: Action): SectionResult {
  const read = readLines(source);
  if (!read.ok) return read.result;
  let up: Marker | null = null;
  let down: Marker | null = null;
  for (const line of read.lines) {
    const marker = markerOf(line.text);
    if (marker === "unlike") return opaque(line, `"${line.text.trim()}" is not quite a marker of dbmate`);
    if (marker !== null) {
      if (!line.isComment || down !== null || (marker.direction === "up") === (up !== null)) {
        return opaque(line, `"${line.text.trim()}" stands where dbmate and PostgreSQL would read it differently`);
      }
      if (marker.direction === "up") up = { line, options: marker.options };
      else down = { line, options: marker.options };
    } else if (up === null && line.hasSql) {
      return opaque(line, 'SQL before the line "-- migrate:up", which dbmate refuses');
    }
  }
  if (up === null) return opaque(null, 'the line "-- migrate:up" is missing, which tells dbmate what to run');
  const end = source.bytes.length;
  return upAndDown(sectionOf(up, down?.line.start ?? end), down && sectionOf(down, end), action);
}

interface Marker {
  line: Line;
  options: readonly string[];
}

function sectionOf({ line, options }: Marker, end: number): Section {
  return { start: line.end, end, transaction: options.includes("transaction:false") ? "single-message" : "file" };
}

/** dbmate takes ASCII blanks only; a marker that differs from its form may be one for the reader and none for dbmate. */
function markerOf(line: string): { direction: "up" | "down"; options: string[] } | "unlike" | null {
  if (!line.startsWith("--") || !line.slice(2).trim().startsWith("migrate:")) return null;
  const match = /^--[ \t]*migrate:(up|down)((?:[ \t]+[!-~]+)*)[ \t]*\r?\n?$/.exec(line);
  if (match === null) return "unlike";
  return { direction: match[1] === "up" ? "up" : "down", options: (match[2] ?? "").split(/[ \t]+/).filter(Boolean) };
}

function opaque(line: Line | null, detail: string): SectionResult {
  return { kind: "opaque", reason: "missing-section", detail, offset: line?.start ?? 0 };
}

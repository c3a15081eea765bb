import { type Line, readLines } from "./format-lines.ts";
import { type Action, type SectionResult, type Transaction, upAndDown } from "./formats.ts";
import type { SourceText } from "./source-text.ts";

/**
 * goose: the part between `-- +goose Up` and `-- +goose Down`, statement by statement, in a transaction unless the file says
 * `-- +goose NO TRANSACTION`. Outside StatementBegin/StatementEnd goose leaves out every line that begins with `--`, even
 * inside a string, so such a line must be a comment for PostgreSQL too (github.com/pressly/goose, "SQL migrations").
 */
export function gooseSections(source: SourceText, action: Action): SectionResult {
  const read = readLines(source);
  if (!read.ok) return read.result;
  let up: Line | null = null;
  let down: Line | null = null;
  let inStatement = false;
  let transaction: Transaction = "file";
  for (const line of read.lines) {
    const trimmed = line.text.trim();
    if (!trimmed.startsWith("--")) {
      if (up === null && line.hasSql) return opaque(line, 'SQL before the line "-- +goose Up", which goose refuses');
      continue;
    }
    const annotation = trimmed.slice(2).trim();
    const indented = annotation.startsWith("+goose") && !line.text.startsWith("--");
    if (indented || (!line.isComment && (!inStatement || annotation.startsWith("+goose")))) {
      return opaque(line, `"${trimmed}" stands where goose and PostgreSQL would read it differently`);
    }
    if (!annotation.startsWith("+goose")) continue;
    // goose and JavaScript do not trim the same characters.
    if (!/^[\t -~]*\r?\n?$/.test(line.text)) return opaque(line, `"${trimmed}" holds more than an annotation of goose`);
    const command = annotation.slice("+goose".length).trim();
    if (command === "NO TRANSACTION") transaction = "none";
    else if (command === "StatementBegin" && !inStatement) inStatement = true;
    else if (command === "StatementEnd" && inStatement) inStatement = false;
    else if (command === "Up" && up === null && down === null) up = line;
    else if (command === "Down" && up !== null && down === null && !inStatement) down = line;
    else return opaque(line, `"${trimmed}" is not an annotation of goose that can stand here`);
  }
  if (up === null) return opaque(null, 'the line "-- +goose Up" is missing, which tells goose what to run');
  const end = source.bytes.length;
  return upAndDown(
    { start: up.end, end: down?.start ?? end, transaction },
    down && { start: down.end, end, transaction },
    action,
  );
}

function opaque(line: Line | null, detail: string): SectionResult {
  return { kind: "opaque", reason: "missing-section", detail, offset: line?.start ?? 0 };
}

import { importError } from "./import-error.ts";
import { checkRowCount, isNoise, rowCount } from "./psql-lines.ts";
import type { TextRow, TextTable } from "./text-table.ts";

const maxLinesPerValue = 200;

/** `\pset format unaligned` or `csv` (RFC 4180 quoting), with `|`, tab, `;` or `,` between the values. Empty: no line has one of those. */
export function readDelimitedTable(lines: readonly string[], file: string): TextTable[] {
  const headerIndex = lines.findIndex((line) => /[|\t;,]/.test(line));
  const header = lines[headerIndex];
  if (header === undefined) return [];
  const delimiter = ["|", "\t", ";", ","].find((candidate) => header.includes(candidate)) ?? ",";
  const split = delimiter === "|" ? splitPlain : splitQuoted;
  const columns = split(header, delimiter) ?? [];
  const rows: TextRow[] = [];
  for (let index = headerIndex + 1; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    if (rowCount(line) !== null) checkRowCount(rows.length, index, lines, file);
    if (isNoise(line) || rowCount(line) !== null) continue;
    const first = index;
    let cells = split(line, delimiter);
    for (
      let text = line;
      cells === null && index + 1 < lines.length && index - first < maxLinesPerValue;
      cells = split(text, delimiter)
    ) {
      index += 1;
      text = `${text}\n${lines[index] ?? ""}`;
    }
    if (cells?.length !== columns.length)
      throw importError(file, [{ line: first + 1, message: widthMessage(cells, columns) }]);
    rows.push({ line: first + 1, cells });
  }
  return [{ title: null, line: headerIndex + 1, columns, rows, endIndex: lines.length }];
}

function widthMessage(cells: readonly string[] | null, columns: readonly string[]): string {
  if (cells === null) return "a quoted value is not closed";
  return `this row has ${cells.length} values, the header ${columns.length}; values with a "," in them must stand in double quotes`;
}

function splitPlain(line: string, delimiter: string): string[] {
  return line.split(delimiter).map((cell) => cell.trim());
}

/** null: a quote is still open at the end of the text. */
function splitQuoted(text: string, delimiter: string): string[] | null {
  const cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let position = 0; position < text.length; position += 1) {
    const character = text.charAt(position);
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text.charAt(position + 1) === '"') {
        cell += '"';
        position += 1;
      } else quoted = false;
    } else if (character === '"' && cell.trim() === "") {
      cell = "";
      quoted = true;
    } else if (character === delimiter) {
      cells.push(cell.trim());
      cell = "";
    } else cell += character;
  }
  return quoted ? null : [...cells, cell.trim()];
}

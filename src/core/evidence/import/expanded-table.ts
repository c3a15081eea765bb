import { importError } from "./import-error.ts";
import { isNoise, isRule, rowCount, separators } from "./psql-lines.ts";
import type { TextTable } from "./text-table.ts";

/** "-[ RECORD 1 ]----+----", the head of each row in expanded display. */
export function isRecordMark(line: string): boolean {
  return /^[+\-─┌├╔╠|]*\[ RECORD [0-9]+ \][-+─═┬┼┐┤╗╣|]*\s*$/.test(line);
}

/** `\x`: one line per value. The records must all have the same columns. */
export function readExpandedTable(lines: readonly string[], file: string): TextTable {
  const records: { line: number; cells: Map<string, string> }[] = [];
  for (const [index, line] of lines.entries()) {
    if (isRecordMark(line)) {
      records.push({ line: index + 1, cells: new Map() });
    } else if (!isNoise(line) && !isRule(line) && rowCount(line) === null) {
      addCell(line, index, records.at(-1), file);
    }
  }
  const columns = [...(records[0]?.cells.keys() ?? [])];
  const rows = records.map(({ line, cells }) => {
    if (cells.size !== columns.length || columns.some((column) => !cells.has(column))) {
      throw importError(file, [{ line, message: "this record does not have the columns of the first one" }]);
    }
    return { line, cells: columns.map((column) => cells.get(column) ?? "") };
  });
  return { title: null, line: records[0]?.line ?? 1, columns, rows, endIndex: lines.length };
}

function addCell(line: string, index: number, record: { cells: Map<string, string> } | undefined, file: string): void {
  const framed = separators.test(line.charAt(0));
  const text = framed ? line.trim().slice(1, -1) : line;
  const separator = text.search(separators);
  if (separator === -1 || record === undefined) {
    if (record === undefined && separator === -1) return; // a title
    throw importError(file, [{ line: index + 1, message: 'expected "column | value"' }]);
  }
  const column = text.slice(0, separator).trim();
  if (column === "" || record.cells.has(column)) {
    throw importError(file, [
      { line: index + 1, message: `the record has column "${column}" twice, or its value spans lines` },
    ]);
  }
  record.cells.set(column, text.slice(separator + 1).trim());
}

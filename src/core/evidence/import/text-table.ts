import { readAlignedTables } from "./aligned-table.ts";
import { readDelimitedTable } from "./delimited-table.ts";
import { isRecordMark, readExpandedTable } from "./expanded-table.ts";
import { importError } from "./import-error.ts";
import { isRule, toLines } from "./psql-lines.ts";

export interface TextRow {
  line: number;
  /** As many as the table has columns; trimmed. psql prints NULL as an empty cell unless told otherwise. */
  cells: readonly string[];
}

/** A query result as psql prints it. */
export interface TextTable {
  /** The line above the table: psql's title, or what a person wrote there. */
  title: string | null;
  /** Line of the header. */
  line: number;
  columns: readonly string[];
  rows: readonly TextRow[];
  /** Index of the first line after the table and its "(4 rows)". */
  endIndex: number;
}

/**
 * Reads the tables in psql's output (PostgreSQL docs, psql, `\pset`): aligned with any border and line style, expanded,
 * unaligned, CSV. Throws InputError where there is none, where a row does not fit its header or the row count is wrong.
 */
export function readTables(text: string, file: string): TextTable[] {
  const lines = toLines(text);
  if (lines.some(isRecordMark)) return [readExpandedTable(lines, file)];
  const tables = lines.some(isRule) ? readAlignedTables(lines, file) : readDelimitedTable(lines, file);
  if (tables.length === 0) {
    throw importError(file, [
      { line: 1, message: "no table found; paste the output of psql, or write CSV with a header line" },
    ]);
  }
  return tables;
}

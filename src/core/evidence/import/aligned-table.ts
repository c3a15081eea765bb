import { importError } from "./import-error.ts";
import { checkRowCount, isNoise, isRule, rowCount, separators } from "./psql-lines.ts";
import type { TextRow, TextTable } from "./text-table.ts";

interface Layout {
  columns: number;
  /** The lines begin and end with a separator (`\pset border 2`). */
  framed: boolean;
  /** Code point positions of the crossings in the rule: where the separators of well-aligned rows are. */
  crossings: readonly number[];
  /** `\pset border 0`: no separators; start and end of each column. */
  slices: readonly (readonly [number, number])[] | null;
}

/** `\pset format aligned`, borders 0 to 2, every line style; also tables that were aligned by hand. */
export function readAlignedTables(lines: readonly string[], file: string): TextTable[] {
  const tables: TextTable[] = [];
  let index = 0;
  let above: string | null = null;
  while (index < lines.length) {
    const header = headerAt(lines, index);
    if (header !== null) {
      const table = readTable(lines, header, above, file);
      tables.push(table);
      index = table.endIndex;
      above = null;
      continue;
    }
    const line = lines[index] ?? "";
    if (!isRule(line) && separators.test(line)) {
      throw importError(file, [
        { line: index + 1, message: "this looks like a row of a table, but no header stands above it" },
      ]);
    }
    if (!isRule(line)) above = isNoise(line) ? above : line.trim();
    index += 1;
  }
  return tables;
}

/** The first table that begins at `start`, blank lines skipped; null: something else stands there. */
export function readTableAt(lines: readonly string[], start: number, file: string): TextTable | null {
  const first = lines.findIndex((line, index) => index >= start && line.trim() !== "");
  const header = first === -1 ? null : headerAt(lines, first);
  return header === null ? null : readTable(lines, header, null, file);
}

/** Index of the header when a table (with its upper border, if any) begins at `index`. */
function headerAt(lines: readonly string[], index: number): number | null {
  const at = (offset: number) => lines[index + offset] ?? "";
  if (isRule(at(0))) return !isRule(at(1)) && at(1).trim() !== "" && isRule(at(2)) ? index + 1 : null;
  if (at(0).trim() === "" || !isRule(at(1))) return null;
  const plainRule = !/[+┼╪╫╬╋|]/.test(at(1)) && !/[-─━═] +[-─━═]/.test(at(1));
  if (plainRule && separators.test(at(0))) return null;
  // A title that somebody underlined: the real header comes next, with a rule of its own.
  return plainRule && isRule(at(3)) && !isRule(at(2)) ? null : index;
}

function readTable(lines: readonly string[], headerIndex: number, title: string | null, file: string): TextTable {
  const header = lines[headerIndex] ?? "";
  const layout = layoutOf(header, lines[headerIndex + 1] ?? "");
  const columns = splitRow(header, layout) ?? [];
  const rows: { line: number; cells: string[]; open: boolean }[] = [];
  let index = headerIndex + 2;
  for (; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    if (line.trim() === "" || isRule(line) || rowCount(line) !== null) break;
    if (layout.columns > 1 && layout.slices === null && !separators.test(line)) break;
    const cells = splitRow(line, layout);
    if (cells === null) {
      throw importError(file, [
        { line: index + 1, message: `this row does not have the header's ${layout.columns} columns` },
      ]);
    }
    const previous = rows.at(-1);
    if (previous?.open === true) continueRow(previous, cells);
    else rows.push({ line: index + 1, cells, open: cells.some(isContinued) });
  }
  while (isRule(lines[index] ?? "")) index += 1;
  checkRowCount(rows.length, index, lines, file);
  if (rowCount(lines[index] ?? "") !== null) index += 1;
  const finished: TextRow[] = rows.map(({ line, cells }) => ({ line, cells: cells.map(withoutMark) }));
  return { title, line: headerIndex + 1, columns, rows: finished, endIndex: index };
}

function layoutOf(header: string, rule: string): Layout {
  const framed = separators.test(header.trim().charAt(0));
  if (!separators.test(header)) {
    const slices = [...rule.matchAll(/[-─━═]+/g)].map(
      ({ 0: dashes, index }) => [index, index + dashes.length] as const,
    );
    return { columns: slices.length, framed: false, crossings: [], slices: slices.length > 1 ? slices : null };
  }
  const parts = header.trim().split(separators).length;
  const crossings = [...rule].flatMap((character, position) => (/[-─━═\s]/.test(character) ? [] : [position]));
  return {
    columns: framed ? parts - 2 : parts,
    framed,
    crossings: framed ? crossings.slice(1, -1) : crossings,
    slices: null,
  };
}

/** null: the line does not have the table's columns. */
function splitRow(line: string, layout: Layout): string[] | null {
  if (layout.slices !== null) return slice(line, layout.slices);
  if (layout.columns === 1 && !layout.framed) return [line.trim()];
  const text = layout.framed ? line.trim().replace(/^[|│║]|[|│║]$/g, "") : line;
  const cells = text.split(separators).map((cell) => cell.trim());
  if (cells.length === layout.columns) return cells;
  return cells.length > layout.columns ? splitAtCrossings(line, layout) : null;
}

/** For cells that contain a separator themselves, as `(a || b)` in an index definition does. */
function splitAtCrossings(line: string, layout: Layout): string[] | null {
  const characters = [...(layout.framed ? line.trimEnd().slice(0, -1) : line)];
  if (layout.crossings.length !== layout.columns - 1) return null;
  if (!layout.crossings.every((position) => separators.test(characters[position] ?? ""))) return null;
  const bounds = [layout.framed ? 0 : -1, ...layout.crossings, characters.length];
  return bounds.slice(1).map((end, cell) =>
    characters
      .slice((bounds[cell] ?? 0) + 1, end)
      .join("")
      .trim(),
  );
}

/** Columns without separators can be cut safely only where every character is one column wide. */
function slice(line: string, slices: readonly (readonly [number, number])[]): string[] | null {
  if (!/^[\x20-\x7e]*$/.test(line)) return null;
  const between = slices.some(([start]) => start > 0 && (line[start - 1] ?? " ") !== " ");
  if (between) return null;
  return slices.map(([start, end], index) => line.slice(start, index === slices.length - 1 ? undefined : end).trim());
}

/** psql marks a line break inside a cell with "+" or "↵" at its end. */
function isContinued(cell: string): boolean {
  return /[+↵]$/.test(cell);
}

function withoutMark(cell: string): string {
  return cell.replace(/ *[+↵]$/, "");
}

function continueRow(row: { cells: string[]; open: boolean }, cells: readonly string[]): void {
  row.cells = row.cells.map((cell, column) => {
    const more = cells[column] ?? "";
    return isContinued(cell) ? `${withoutMark(cell)}\n${more}` : cell;
  });
  row.open = cells.some(isContinued);
}

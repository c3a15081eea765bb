import { importError } from "./import-error.ts";

/** Lines without their ends, and without a byte order mark. */
export function toLines(text: string): string[] {
  return text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/);
}

export const separators = /[|│║]/;

/** The line of dashes below a header, or the border of a table. */
export function isRule(line: string): boolean {
  return /^[\s\-+|:=─━═│┃║┼╪╫╬╋┌┬┐├┤└┴┘╔╦╗╠╬╣╚╩╝╞╡╤╧╟╢╥╨]+$/.test(line) && /[-=─━═]{2}/.test(line);
}

/** "(4 rows)" in any language → 4; null for any other line. */
export function rowCount(line: string): number | null {
  const match = /^\s*\(([0-9]+) [\p{L}.]+\)\s*$/u.exec(line);
  return match?.[1] === undefined ? null : Number(match[1]);
}

/** What psql says beside a result. */
export function isNoise(line: string): boolean {
  return (
    line.trim() === "" || /^(Time: |Timing is |Expanded display |Output format |Border style |SET$|Pager )/.test(line)
  );
}

export function checkRowCount(counted: number, index: number, lines: readonly string[], file: string): void {
  const stated = rowCount(lines[index] ?? "");
  if (stated !== null && stated !== counted) {
    const message = `psql counted ${stated} rows, but ${counted} are here; paste the whole table`;
    throw importError(file, [{ line: index + 1, message }]);
  }
}

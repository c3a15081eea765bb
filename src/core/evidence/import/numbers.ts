/** Values that stand for "none" in psql output: NULL as an empty cell, or what `\pset null` and people write. */
const absent: ReadonlySet<string> = new Set([
  "",
  "-",
  "null",
  "(null)",
  "[null]",
  "<null>",
  "∅",
  "n/a",
  "never",
  "none",
]);

export function isAbsent(cell: string): boolean {
  return absent.has(cell.toLowerCase());
}

export type Reading<Value> = { value: Value } | { problem: string };

/** "47213884", "47,213,884", "47.213.884", "47 213 884" → 47213884. Anything that could be read in two ways is a problem. */
export function readCount(cell: string): Reading<number> {
  const digits = ungroup(cell);
  if (digits === null) return { problem: countProblem(cell) };
  const value = Number(digits);
  return Number.isSafeInteger(value) ? { value } : { problem: `${cell} is larger than 2^53 - 1` };
}

function ungroup(cell: string): string | null {
  if (/^[0-9]+$/.test(cell)) return cell;
  const grouped = /^[0-9]{1,3}(?:([,.'’_ \u00a0\u202f])[0-9]{3})(?:\1[0-9]{3})*$/.exec(cell);
  if (grouped === null) return null;
  const separator = grouped[1] ?? "";
  const groups = cell.split(separator);
  // "2.841" is 2841 in Berlin and not quite three in Boston; "2.841.022" can only be the former.
  if (separator === "." && groups.length === 2) return null;
  return groups.join("");
}

function countProblem(cell: string): string {
  if (/^[0-9]{1,3}\.[0-9]{3}$/.test(cell))
    return `"${cell}" could be a fraction; write it as ${cell.replace(".", "")} or ${cell.replace(".", ",")}`;
  return `"${cell}" is not a whole number such as 47213884 or 47,213,884`;
}

const unitBytes: ReadonlyMap<string, number> = new Map([
  ["bytes", 1],
  ["kb", 2 ** 10],
  ["mb", 2 ** 20],
  ["gb", 2 ** 30],
  ["tb", 2 ** 40],
  ["pb", 2 ** 50],
]);

/** A number of bytes, or what pg_size_pretty makes of one ("1234 MB", rounded). */
export function readSize(cell: string): Reading<number> {
  const pretty = /^([0-9]+) (bytes|kB|MB|GB|TB|PB)$/i.exec(cell);
  const factor = unitBytes.get(pretty?.[2]?.toLowerCase() ?? "");
  if (pretty === null || factor === undefined) return readCount(cell);
  return { value: Number(pretty[1]) * factor };
}

const hour = 3_600_000;

/**
 * When an index was last used. A date without a time counts as late as it can be, but not after the capture: a day lasts
 * until its end in UTC, and may have begun 14 hours before it does there.
 */
export function readLastScan(cell: string, capturedAt: Date): Reading<Date> {
  const day = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(cell) ? Date.parse(`${cell}T00:00:00Z`) : Number.NaN;
  const moment = Number.isNaN(day) ? timestamp(cell) : null;
  if (Number.isNaN(day) && moment === null) {
    return { problem: `"${cell}" is not a time such as 2026-03-13 14:02:11+00, a date, or "never"` };
  }
  const earliest = moment ?? day - 14 * hour;
  if (earliest > capturedAt.getTime()) {
    return { problem: `"${cell}" is after the capture (${capturedAt.toISOString()}); check --captured-at` };
  }
  return { value: new Date(moment ?? Math.min(day + 24 * hour - 1000, capturedAt.getTime())) };
}

/** timestamptz as psql prints it with DateStyle ISO: "2026-03-13 14:02:11.123456+00", "…+05:30". */
function timestamp(cell: string): number | null {
  const match = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(\.\d{1,9})? ?(Z|[+-]\d{2}(?::?\d{2})?)$/.exec(cell);
  if (match === null) return null;
  const [, date, time, fraction = "", offset = "Z"] = match;
  const minutes = offset.replace(":", "").slice(3) || "00";
  const zone = offset === "Z" ? "Z" : `${offset.slice(0, 3)}:${minutes}`;
  const parsed = Date.parse(`${date}T${time}${fraction.slice(0, 4)}${zone}`);
  return Number.isNaN(parsed) ? null : parsed;
}

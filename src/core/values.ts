import { z } from "zod";

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const durationForm = 'a duration is a whole number and a unit: "45s", "10m", "24h" or "35d"';

/** "45s", "10m", "24h", "35d" → milliseconds. A day is 24 hours. */
export const duration = z
  .string(durationForm)
  .regex(/^[0-9]{1,6}[smhd]$/, durationForm)
  .transform((text) => parseDuration(text))
  .describe('A duration: "45s", "10m", "24h", "35d".');

function parseDuration(text: string): number {
  const unit = text.slice(-1);
  const factor = unit === "s" || unit === "m" || unit === "h" ? unitMs[unit] : unitMs.d;
  return Number(text.slice(0, -1)) * factor;
}

/** Milliseconds → the form of `duration` that people use: 600000 → "10m", one day → "24h". Sub-second rests are rounded up. */
export function formatDuration(ms: number): string {
  for (const unit of ["d", "h", "m"] as const) {
    if (ms >= (unit === "d" ? 2 : 1) * unitMs[unit] && ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`;
  }
  return `${Math.ceil(ms / unitMs.s)}s`;
}

/** An RFC 3339 date-time with an offset or Z → Date. */
export const instant = z.iso
  .datetime({ offset: true, error: 'an instant is an RFC 3339 date-time with an offset: "2026-03-13T16:47:00-04:00"' })
  .transform((text) => new Date(text));

/** Text that is shown, logged and stored as it is: without control characters. */
export const displayableName = z.string().regex(/^\P{Cc}*$/u, "control characters are not allowed");

/** RFC 7519, section 2: seconds since 1970. Up to the year 9999, so that every one is a date. */
export const numericDate = z.number().nonnegative().max(253_402_300_799);

/** A whole number ≥ 0, at most 2^53 − 1. */
export const count = z.number().int().nonnegative();

/** Where something stands in a file that the user can open. Lines and columns start at 1. */
export interface SourceLocation {
  path: string;
  line: number;
  column?: number;
}

/** A schema-qualified name. `schema: null` means that the text did not say and nothing known decides it. */
export interface ObjectName {
  schema: string | null;
  name: string;
}

/** "orders", or "sales.orders" outside `public`. For messages, not for SQL. */
export function displayName(object: ObjectName): string {
  return object.schema === null || object.schema === "public" ? object.name : `${object.schema}.${object.name}`;
}

export function sameObject(a: ObjectName, b: ObjectName): boolean {
  return a.name === b.name && (a.schema === null || b.schema === null || a.schema === b.schema);
}

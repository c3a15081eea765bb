import { InvalidArgumentError } from "commander";
import type { z } from "zod";
import { duration, instant } from "../../core/values.ts";

/** An option's parser from a zod schema; the message says what is allowed. */
export function parser<Schema extends z.ZodType>(schema: Schema): (text: string) => z.output<Schema> {
  return (text) => {
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(parsed.error.issues.map(({ message }) => message).join("; "));
  };
}

/** "10m" → milliseconds. */
export const durationOption = parser(duration);

/** RFC 3339 → Date. */
export const instantOption = parser(instant);

export function wholeNumberOption(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  };
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

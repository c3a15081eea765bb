import { z } from "zod";
import { InputError, type InputIssue, inputIssues } from "../../core/errors.ts";
import { displayableName } from "../../core/values.ts";

export const noQuery = z.strictObject({});

/** A name as requests have it: of a service, an environment, a database. */
export const nameParameter = displayableName.min(1).max(200);

/** A whole number in decimal digits. The description shows it as the integer that it stands for. */
export function wholeNumber(least: number, most: number, fallback: number) {
  const message = `a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^[0-9]{1,9}$/, message)
    .transform(Number)
    .pipe(z.number().min(least, message).max(most, message))
    .default(fallback)
    .meta({ type: "integer", minimum: least, maximum: most, pattern: undefined });
}

/** Throws InputError (`bad-request`) that names every wrong, unknown or repeated parameter. */
export function parseQuery<Schema extends z.ZodObject>(schema: Schema, url: string): z.output<Schema> {
  const parameters = new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?") + 1) : "");
  const names = [...parameters.keys()];
  const repeated = names.filter((name, index) => names.indexOf(name) !== index);
  const parsed = schema.safeParse(Object.fromEntries(parameters));
  const issues: InputIssue[] = repeated.map((name) => ({ path: name, message: "is given more than once" }));
  if (parsed.success && issues.length === 0) return parsed.data;
  throw new InputError("bad-request", "The query is not valid", [
    ...issues,
    ...(parsed.success ? [] : inputIssues(parsed.error.issues)),
  ]);
}

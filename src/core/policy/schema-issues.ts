import { z } from "zod";
import type { DocumentIssue } from "./document-error.ts";
import { quoted } from "./document-error.ts";
import { didYouMean } from "./suggest.ts";
import { type DocumentPath, describeValue, mostIssues, type YamlDocument } from "./yaml-document.ts";

type Issue = z.core.$ZodIssue;

const text = "text";
const textExpected = `expected ${text}`;

const kinds = new Map([
  ["object", "a mapping"],
  ["record", "a mapping"],
  ["array", "a list"],
  ["string", text],
  ["number", "a number"],
  ["int", "a whole number"],
  ["boolean", "true or false"],
  ["null", "nothing"],
]);

/** Part of a document → typed value, or what is wrong with it, with positions. `path` is where `value` stands. */
export function parsePart<Schema extends z.ZodType>(
  schema: Schema,
  document: YamlDocument,
  path: DocumentPath,
  value: unknown,
): { data: z.output<Schema>; issues: [] } | { data: null; issues: DocumentIssue[] } {
  const parsed = schema.safeParse(value, { error: messageOf });
  if (parsed.success) return { data: parsed.data, issues: [] };
  return { data: null, issues: documentIssues(parsed.error.issues, document, path) };
}

/** Used for every issue whose schema has no message of its own. */
const messageOf: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "unrecognized_keys": {
      const allowed = issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape) : [];
      // One message per key is made in documentIssues; this carries the allowed keys there.
      return JSON.stringify(allowed);
    }
    case "invalid_type":
      return `expected ${kinds.get(issue.expected) ?? issue.expected}`;
    case "invalid_value":
      return valueMessage(issue.values.map(String), issue.input);
    case "too_small":
      return `expected ${issue.exact === true ? "exactly" : issue.inclusive === false ? "more than" : "at least"} ${limit(issue.origin, Number(issue.minimum))}`;
    case "too_big":
      return `expected ${issue.exact === true ? "exactly" : issue.inclusive === false ? "less than" : "at most"} ${limit(issue.origin, Number(issue.maximum))}`;
    case "invalid_union":
      return "";
    default:
      return undefined;
  }
};

function valueMessage(allowed: string[], input: unknown): string {
  const expected = allowed.length === 1 ? `expected ${allowed[0]}` : `expected one of ${allowed.join(", ")}`;
  if (input === undefined) return expected;
  if (typeof input !== "string") return `${expected}, got ${describeValue(input, null)}`;
  if (allowed.includes(input)) return `${expected}, got the text ${quoted(input)}: remove the quotes`;
  return `${expected}, got ${quoted(input)}${didYouMean(input, allowed)}`;
}

function limit(origin: string, bound: number): string {
  if (origin === "array") return `${bound} ${bound === 1 ? "entry" : "entries"}`;
  return origin === "string" ? `${bound} ${bound === 1 ? "character" : "characters"}` : String(bound);
}

function documentIssues(issues: readonly Issue[], document: YamlDocument, prefix: DocumentPath): DocumentIssue[] {
  // Looking up a place takes time, so a hostile file's issues are cut before, not after.
  return issues.slice(0, mostIssues).flatMap((issue): DocumentIssue[] => {
    const path = [...prefix, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      return issue.keys
        .slice(0, mostIssues)
        .map((key) => document.issue([...path, key], "key", unknownKey(key, issue.message)));
    }
    if (issue.code === "invalid_union") {
      const branch = closestBranch(issue.errors, (inner) => valueAt(document.value, [...path, ...inner]) === undefined);
      if (issue.message === "" || branch.some((inner) => inner.path.length > 0)) {
        return documentIssues(alternatives(issue.errors, branch), document, path);
      }
    }
    return [document.issue(path, "value", describe(issue, document, path))];
  });
}

/** The message, with what the file has there where that helps. */
function describe(issue: Issue, document: YamlDocument, path: DocumentPath): string {
  if (issue.code !== "invalid_type" && issue.code !== "invalid_value") return issue.message;
  const value = valueAt(document.value, path);
  if (value === undefined) return `the key is missing; ${issue.message}`;
  if (issue.code === "invalid_value") return issue.message;
  const source = document.sourceOf(path);
  const scalar = typeof value === "number" || typeof value === "boolean";
  const remedy = issue.message === textExpected && scalar && source !== null ? `; put it in quotes: "${source}"` : "";
  return `${issue.message}, got ${describeValue(value, source)}${remedy}`;
}

function unknownKey(key: string, allowedJson: string): string {
  // What messageOf wrote for this code: a JSON array of strings.
  const allowed = JSON.parse(allowedJson) as string[];
  const suggestion = didYouMean(key, allowed);
  return `unknown key${suggestion === "" ? ";" : suggestion} allowed: ${allowed.length === 0 ? "none" : allowed.join(", ")}`;
}

/** The branch of a union that the writer most likely meant: fewest unknown keys, then fewest missing ones, then fewest others. */
function closestBranch(
  branches: readonly (readonly Issue[])[],
  isMissing: (path: DocumentPath) => boolean,
): readonly Issue[] {
  const distance = (branch: readonly Issue[]) =>
    branch.reduce((sum, issue) => {
      if (issue.path.length === 0 && issue.code === "invalid_type") return sum + 10_000;
      if (issue.code === "unrecognized_keys") return sum + 100 * issue.keys.length;
      // A value of the right form that is wrong all the same says most about what was meant.
      if (issue.code === "custom") return sum + 0.5;
      return sum + (isMissing(issue.path) ? 10 : 1);
    }, 0);
  return branches.reduce((best, branch) => (distance(branch) < distance(best) ? branch : best));
}

/** Where the value is of none of a union's types, one issue that names them all. */
function alternatives(branches: readonly (readonly Issue[])[], closest: readonly Issue[]): readonly Issue[] {
  const types = branches.map((branch) =>
    branch.find((issue) => issue.path.length === 0 && issue.code === "invalid_type"),
  );
  const [first] = closest;
  if (first === undefined || types.some((issue) => issue === undefined)) return closest;
  const messages = new Set(types.map((issue) => issue?.message.replace(/^expected /, "")));
  return [{ ...first, message: `expected ${[...messages].join(" or ")}` }];
}

function valueAt(value: unknown, path: DocumentPath): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== "object" || current === null) return undefined;
    current = Object.getOwnPropertyDescriptor(current, part)?.value;
  }
  return current;
}

import type { z } from "zod";

/** An error that the product expects. `code` is stable, kebab-case, and what callers classify by. */
export class PlangateError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

export interface InputIssue {
  /** "migrations[0].path"; empty: the whole document. */
  path: string;
  message: string;
}

/** Input that does not have the documented form. Names every place at once. */
export class InputError extends PlangateError {
  readonly issues: readonly InputIssue[];
  constructor(code: string, subject: string, issues: readonly InputIssue[], options?: { cause?: unknown }) {
    const lines = issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
    super(code, lines.length === 1 ? `${subject}: ${lines[0]}` : `${subject}:\n  ${lines.join("\n  ")}`, options);
    this.issues = issues;
  }
}

export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

/** zod's issues as plain "place: what is wrong" pairs; of a union, the branch that came closest. */
export function inputIssues(issues: readonly z.core.$ZodIssue[], prefix: readonly PropertyKey[] = []): InputIssue[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === "invalid_union" && issue.errors.length > 0) {
      const deepest = (branch: readonly z.core.$ZodIssue[]) => Math.max(...branch.map((inner) => inner.path.length));
      const closest = issue.errors.reduce((best, branch) => (deepest(branch) > deepest(best) ? branch : best));
      if (closest.some((inner) => inner.path.length > 0)) return inputIssues(closest, path);
    }
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({ path: formatPath([...path, key]), message: "unknown key" }));
    }
    return [{ path: formatPath(path), message: issue.message }];
  });
}

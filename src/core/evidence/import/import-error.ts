import { InputError } from "../../errors.ts";

export interface ImportIssue {
  /** Counted from 1. */
  line: number;
  message: string;
}

/** Text that cannot be made into evidence; names every file and line. Nothing is imported from half a file. */
export function importError(file: string, issues: readonly ImportIssue[], options?: { cause?: unknown }): InputError {
  const places = issues.map(({ line, message }) => ({ path: `${file}:${line}`, message }));
  return new InputError("bad-evidence-source", "Nothing was imported", places, options);
}

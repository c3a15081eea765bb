import { readFileSync } from "node:fs";
import { PlangateError } from "../core/errors.ts";

const reasons = new Map([
  ["ENOENT", "there is no such file or directory"],
  ["ENOTDIR", "this is not a directory"],
  ["EISDIR", "this is a directory"],
  ["EACCES", "there is no permission to read it"],
  ["EPERM", "there is no permission to read it"],
  ["ELOOP", "this link leads to itself"],
]);

/** Why the file system refuses, for people; null for an error that is not the file system's. */
export function fileErrorReason(error: unknown): string | null {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : null;
  if (typeof code !== "string") return null;
  return reasons.get(code) ?? `it cannot be read (${code})`;
}

/** Throws PlangateError (`unreadable-file`) that says why. */
export function readFileBytes(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    const reason = fileErrorReason(error);
    if (reason === null) throw error;
    throw new PlangateError("unreadable-file", reason, { cause: error });
  }
}

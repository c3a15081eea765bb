import { open } from "node:fs/promises";
import path from "node:path";
import { PlangateError } from "../core/errors.ts";

/** A file that the user named cannot be used. */
export class InputFileError extends PlangateError {
  constructor(file: string, problem: string, options?: { cause?: unknown }) {
    super("unusable-file", `${file}: ${problem}`, options);
  }
}

/** What people hand over; the largest real migrations and bundles are a tenth of it. */
const maxBytes = 64 * 1024 * 1024;

const reasons: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no such file"],
  ["ENOTDIR", "there is no such file"],
  ["EISDIR", "is a directory; name the files in it"],
  ["EACCES", "there is no permission to read it"],
  ["EPERM", "there is no permission to read it"],
  ["ELOOP", "this link leads to itself"],
  ["ENAMETOOLONG", "the name is too long"],
]);

/** "ENOENT" and its like. */
export function systemErrorCode(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "unknown error";
}

/** The bytes of a file as named in `cwd`; pipes such as `<(command)` work too. Throws InputFileError: missing, unreadable, a directory, empty, too large. */
export async function readInputFile(file: string, cwd: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const handle = await open(path.resolve(cwd, file));
    for await (const chunk of handle.createReadStream()) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) throw new InputFileError(file, `is larger than ${maxBytes / 1024 / 1024} MiB`);
    }
  } catch (error) {
    if (error instanceof PlangateError) throw error;
    const code = systemErrorCode(error);
    throw new InputFileError(file, reasons.get(code) ?? `cannot be read (${code})`, { cause: error });
  }
  if (length === 0) throw new InputFileError(file, "is empty");
  return Buffer.concat(chunks);
}

/** As `readInputFile`, decoded: UTF-8, or UTF-16 where a byte order mark says so (PowerShell writes that). */
export async function readTextFile(file: string, cwd: string): Promise<string> {
  const bytes = await readInputFile(file, cwd);
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw new InputFileError(file, `is not ${encoding.toUpperCase()} text`, { cause: error });
  }
}

/**
 * The text of a SQL file, byte for byte as far as it is UTF-8: its digest is that of the file. Bytes that are not UTF-8 become
 * U+FFFD, which the analysis of the SQL refuses.
 */
export function decodeSql(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

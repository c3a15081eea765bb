import { randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { PlangateError } from "../core/errors.ts";
import { systemErrorCode } from "./input-files.ts";

/** Writes the whole file or nothing: readers never see half of it, and a failed run leaves what was there. */
export async function writeWhole(file: string, content: string): Promise<void> {
  const draft = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}.tmp`);
  try {
    await writeFile(draft, content, { flag: "wx" });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw new PlangateError("unwritable-file", `${file}: cannot be written (${systemErrorCode(error)})`, {
      cause: error,
    });
  }
}

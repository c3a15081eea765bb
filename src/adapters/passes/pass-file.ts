import { mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { PlangateError } from "../../core/errors.ts";
import { passFileMark } from "../../output/pass-file.ts";
import { systemErrorCode } from "../input-files.ts";
import { writeWhole } from "../output-file.ts";

/**
 * Takes away what an earlier request wrote, so that nobody applies it. Throws PlangateError: `usage` where the file is something else,
 * `unwritable-file`.
 */
export async function removePassFile(file: string): Promise<void> {
  try {
    const content = await readFile(file, "utf8");
    if (!isPassFile(content)) {
      throw new PlangateError(
        "usage",
        `${file}: holds something else than a pass; name another file with --pass-file.`,
      );
    }
    await rm(file);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return;
    if (error instanceof PlangateError) throw error;
    throw unwritable(file, error);
  }
}

/** The whole file or nothing; its directory is made where there is none. Throws PlangateError `unwritable-file`. */
export async function writePassFile(file: string, content: string): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
  } catch (error) {
    throw unwritable(file, error);
  }
  await writeWhole(file, content);
}

/** Empty: as mktemp makes it. */
function isPassFile(content: string): boolean {
  return content === "" || content.startsWith(`${passFileMark}\n`) || /^eyJ[\w-]*\.[\w-]+\.[\w-]+\n$/.test(content);
}

function unwritable(file: string, cause: unknown): PlangateError {
  return new PlangateError("unwritable-file", `${file}: cannot be written (${systemErrorCode(cause)})`, { cause });
}

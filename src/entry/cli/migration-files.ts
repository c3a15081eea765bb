import path from "node:path";
import { decodeSql, InputFileError, readInputFile } from "../../adapters/input-files.ts";
import type { Migration } from "../../core/request.ts";
import type { CommandIo } from "./io.ts";

/** SQL files in the order in which they run; "-" is standard input. */
export async function readMigrations(
  files: readonly string[],
  io: Pick<CommandIo, "cwd" | "stdin">,
): Promise<Migration[]> {
  const migrations: Migration[] = [];
  for (const file of files) {
    const name = file === "-" ? "stdin.sql" : displayPath(file, io.cwd);
    if (migrations.some((other) => other.path === name)) throw new InputFileError(file, "is given twice");
    const bytes = file === "-" ? await io.stdin() : await readInputFile(file, io.cwd);
    if (bytes.length === 0) throw new InputFileError(name, "is empty");
    migrations.push({ path: name, sql: decodeSql(bytes) });
  }
  return migrations;
}

/** As seen from the working directory where it is inside, which is what code hosts link to. */
function displayPath(file: string, cwd: string): string {
  const relative = path.relative(cwd, path.resolve(cwd, file));
  const inside = relative !== "" && !relative.startsWith("..") && !path.isAbsolute(relative);
  return (inside ? relative : file).split(path.sep).join("/");
}

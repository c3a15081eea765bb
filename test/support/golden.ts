import { existsSync, readFileSync, writeFileSync } from "node:fs";

/**
 * Compares a value with a golden file. `UPDATE_GOLDEN=1` writes the file instead: then read the difference before it is
 * committed, since the file is the statement of what is right.
 */
export function expectGolden(file: string, actual: unknown): void {
  const text = typeof actual === "string" ? actual : `${JSON.stringify(actual, null, 2)}\n`;
  if (process.env.UPDATE_GOLDEN === "1") {
    if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
    return;
  }
  expect(text).toBe(readFileSync(file, "utf8"));
}

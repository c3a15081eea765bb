import pino from "pino";
import { PlangateError } from "../../core/errors.ts";

export type Log = pino.Logger;

/** One JSON object per line on standard error, written at once, so that nothing is lost when the process ends. */
export function newLog(level: pino.LevelWithSilent = "info"): Log {
  const destination = pino.destination(2);
  return pino(
    { level, base: { name: "plangate" }, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line) => void destination.write(escaped(line)) },
  );
}

/** Names come from requests: nothing in them may move a terminal's cursor, hide text or turn it around. JSON leaves such characters as they are. */
function escaped(line: string): string {
  if (/^[\x20-\x7e]*\n$/.test(line)) return line;
  const text = line.slice(0, -1).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
  return `${text}\n`;
}

/** What the log says about an error. No properties of foreign errors: they quote URLs and rows. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as NodeJS.ErrnoException;
  const expected = error instanceof PlangateError;
  return {
    message: error.message,
    ...(code !== undefined && { code }),
    ...(!expected && { stack: error.stack }),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}

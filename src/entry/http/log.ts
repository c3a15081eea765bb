import pino from "pino";
import { PlangateError } from "../../core/errors.ts";

export type Log = pino.Logger;

/** One JSON object per line on standard error, written at once, so that nothing is lost when the process ends. */
export function newLog(level: pino.LevelWithSilent = "info"): Log {
  return pino({ level, base: { name: "plangate" }, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
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

import { PlangateError } from "../errors.ts";

/**
 * EXPLAIN output that cannot be read.
 * - `empty`: nothing there
 * - `unsupported-format`: FORMAT XML or YAML
 * - `not-explain-output`: neither EXPLAIN's text nor its JSON, or damaged
 * - `several-plans`: more than one query plan where one is expected
 * - `unknown-node-type`: a node that PostgreSQL 13 to 18 do not have
 * - `too-deep`: nested deeper than `maxDepth`
 * - `too-large`: a text longer than `maxTextLength`
 */
export type QueryPlanErrorCode =
  | "empty"
  | "unsupported-format"
  | "not-explain-output"
  | "several-plans"
  | "unknown-node-type"
  | "too-deep"
  | "too-large";

export class QueryPlanError extends PlangateError {
  declare readonly code: QueryPlanErrorCode;
  /** Line of the text, from 1; null for JSON, whose messages name the path. */
  readonly line: number | null;

  constructor(code: QueryPlanErrorCode, place: string | number | null, message: string, options?: { cause?: unknown }) {
    const prefix =
      place === null ? "" : typeof place === "number" ? `line ${place}: ` : place === "" ? "" : `${place}: `;
    super(code, `query plan: ${prefix}${message}`, options);
    this.line = typeof place === "number" ? place : null;
  }
}

/** What to write in a message about a piece of input: one line, not long. */
export function excerpt(text: string): string {
  const line = text.trim().replaceAll("\n", " ");
  return JSON.stringify(line.length > 80 ? `${line.slice(0, 77)}…` : line);
}

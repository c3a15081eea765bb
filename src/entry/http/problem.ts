import type { Response } from "express";
import { z } from "zod";
import { RateLimited } from "../../adapters/callers/authenticator.ts";
import { InputError, PlangateError } from "../../core/errors.ts";

/** RFC 9457 problem details, as every error answer carries them. */
export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  /** Stable, kebab-case: what clients classify by. */
  code: z.string(),
  /** The wrong places of the input, up to a hundred. An empty path is the input as a whole. */
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  requestId: z.string(),
});

/** An error of the HTTP surface itself. */
export class HttpError extends PlangateError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(code, message);
    this.status = status;
    this.headers = headers;
  }
}

const titles = new Map([
  [400, "Bad request"],
  [401, "Not authenticated"],
  [403, "Not permitted"],
  [404, "Not found"],
  [405, "Method not allowed"],
  [409, "Conflict"],
  [413, "Body too large"],
  [415, "Unsupported media type"],
  [421, "Misdirected request"],
  [422, "Cannot be processed"],
  [429, "Too many requests"],
  [500, "Internal error"],
  [503, "Could not decide"],
]);

const statusOfCode = new Map([
  ["bad-json", 400],
  ["bad-request", 400],
  ["bad-evidence", 400],
  ["not-authenticated", 401],
  ["not-permitted", 403],
  ["rate-limited", 429],
  ["issuer-unavailable", 503],
  ["evidence-refused", 422],
  ["request-conflict", 422],
  ["idempotency-key-reused", 422],
  ["idempotency-in-flight", 409],
  ["idempotency-claim-lost", 409],
  ["approval-expired", 409],
  ["store-unavailable", 503],
  ["store-inconsistent", 503],
  ["evidence-unreadable", 503],
]);

export function statusOf(error: unknown): number {
  if (error instanceof HttpError) return error.status;
  return error instanceof PlangateError ? (statusOfCode.get(error.code) ?? 500) : 500;
}

/** Nothing of an unexpected error goes to the client but its request's id, under which the log has the rest. */
export function sendProblem(response: Response, error: unknown, requestId: string): void {
  const status = statusOf(error);
  const known = status !== 500 && error instanceof PlangateError;
  const problem: z.infer<typeof problemSchema> = {
    type: `urn:plangate:problem:${known ? error.code : "internal-error"}`,
    title: titles.get(status) ?? "Error",
    status,
    detail: known
      ? shortened(error.message)
      : `The gate failed. Its log has the reason under the request id ${requestId}.`,
    code: known ? error.code : "internal-error",
    ...(error instanceof InputError && { errors: firstIssues(error) }),
    requestId,
  };
  if (error instanceof HttpError) response.set(error.headers);
  if (status === 401) response.set("WWW-Authenticate", "Bearer");
  if (error instanceof RateLimited) response.set("Retry-After", String(error.retryAfterSeconds));
  response.status(status).type("application/problem+json").send(JSON.stringify(problem));
}

/** Enough to mend by; without an end, a small body would bring about an answer many times as large. */
const mostIssues = 100;
const longestText = 10_000;

function firstIssues({ issues }: InputError): { path: string; message: string }[] {
  return issues
    .slice(0, mostIssues)
    .map(({ path, message }) => ({ path: shortened(path), message: shortened(message) }));
}

function shortened(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText)}…`;
}

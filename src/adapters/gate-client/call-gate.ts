import { z } from "zod";
import { PlangateError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import { limitedText } from "../limited-body.ts";
import { authenticationHeaders, type Credentials } from "./credentials.ts";

export interface GateCall {
  /** See `gateUrl`. */
  url: URL;
  /** JSON in UTF-8. */
  body: Uint8Array;
  /** The same for every attempt, so that the gate does it once. */
  id: string;
  credentials: Credentials;
  /** The caller's name in plangate.yaml, where its credentials are not enough; null: they are. */
  caller: string | null;
  /** For messages. */
  wording: {
    /** What the gate is asked to have done: "judged the request". */
    done: string;
    /** What it answers then: "a decision". */
    answer: string;
  };
}

export interface Patience {
  /** Milliseconds for everything: attempts and pauses. */
  timeoutMs: number;
  now(): Date;
  sleep(ms: number): Promise<unknown>;
  /** Told before each pause. */
  onRetry(reason: string, waitMs: number): void;
}

const problemSchema = z.looseObject({
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.looseObject({ path: z.string(), message: z.string() })).default([]),
});

/** What the gate says is wrong (RFC 9457). */
export type Problem = z.output<typeof problemSchema>;

/** `gate-refused`: the gate has not done it, and asking again would not help. `gate-unavailable`: it did not answer in time. */
export class GateError extends PlangateError {
  /** undefined: the gate has not said what is wrong. */
  readonly problem: Problem | undefined;
  constructor(code: string, message: string, options?: { cause?: unknown; problem?: Problem }) {
    super(code, message, options);
    this.problem = options?.problem;
  }
}

export interface GateReply {
  status: number;
  /** The JSON that came; undefined: it was none. */
  json: unknown;
}

const mostBytes = 64 * 1024 * 1024;
const longestAttemptMs = 60_000;
const longestPauseMs = 15_000;

/** Posts until the gate answers application/json with one of these statuses. Throws GateError, CredentialsError. */
export async function callGate(call: GateCall, statuses: readonly number[], patience: Patience): Promise<GateReply> {
  const started = performance.now();
  const left = () => patience.timeoutMs - (performance.now() - started);
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await post(call, statuses, patience.now(), Math.min(longestAttemptMs, left()));
    if ("reply" in outcome) return outcome.reply;
    const waitMs = Math.max(outcome.retryAfterMs, Math.min(longestPauseMs, 500 * 2 ** attempt) * (0.5 + Math.random()));
    if (waitMs >= left()) {
      throw new GateError("gate-unavailable", `The gate has not ${call.wording.done} in time: ${outcome.reason}.`, {
        cause: outcome.cause,
      });
    }
    patience.onRetry(outcome.reason, waitMs);
    await patience.sleep(waitMs);
  }
}

/** What answers is no gate, or says what cannot be. */
export function unusableAnswer(message: string): GateError {
  return new GateError("gate-refused", message);
}

interface TryAgain {
  reason: string;
  retryAfterMs: number;
  cause?: unknown;
}

async function post(
  { url, body, id, credentials, caller, wording }: GateCall,
  statuses: readonly number[],
  at: Date,
  timeoutMs: number,
): Promise<{ reply: GateReply } | TryAgain> {
  const headers = await authenticationHeaders(credentials, { id, at, body });
  const signal = AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs)));
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: "POST",
      redirect: "manual",
      headers: {
        "content-type": "application/json",
        ...headers,
        ...(caller !== null && { "plangate-caller": caller }),
      },
      body,
      signal,
    });
    text = await limitedText(response, mostBytes);
  } catch (cause) {
    const reason = networkReason(cause);
    if (reason === null) throw cause;
    return { reason: `it cannot be reached (${reason})`, retryAfterMs: 0, cause };
  }
  const { status } = response;
  const type = (response.headers.get("content-type") ?? "").split(";")[0]?.trim();
  if (statuses.includes(status) && type === "application/json") return { reply: { status, json: jsonOf(text) } };
  const problem = type === "application/problem+json" ? problemSchema.safeParse(jsonOf(text)).data : undefined;
  if ([429, 502, 503, 504].includes(status) || problem?.code === "idempotency-in-flight") {
    const seconds = response.headers.get("retry-after") ?? "";
    const retryAfterMs = /^[0-9]{1,6}$/.test(seconds) ? Number(seconds) * 1000 : 0;
    return { reason: `it answered ${status}${problem === undefined ? "" : ` (${problem.code})`}`, retryAfterMs };
  }
  if (problem !== undefined) throw new GateError("gate-refused", refusal(status, problem, wording.done), { problem });
  throw unusableAnswer(`The gate answered with the status ${status}, which is not ${wording.answer}. Check the URL.`);
}

function refusal(status: number, { code, detail, errors }: Problem, done: string): string {
  const places = errors.map(({ path, message }) => `\n  ${path === "" ? "" : `${path}: `}${message}`);
  return `The gate has not ${done} (${status} ${code}): ${detail.split("\n")[0]}${places.length > 1 ? places.join("") : ""}`;
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(text, "the answer");
  } catch (error) {
    if (error instanceof PlangateError) return undefined;
    throw error;
  }
}

/** fetch throws a TypeError for everything that the network does; its cause has a code that people can look up. null: something else. */
function networkReason(error: unknown): string | null {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  if (name === "TimeoutError") return "no answer in time";
  return name === "TypeError" ? (cause?.code ?? "no connection") : null;
}

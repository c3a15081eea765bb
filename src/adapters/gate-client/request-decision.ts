import { z } from "zod";
import { PlangateError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import { limitedText } from "../limited-body.ts";
import { authenticationHeaders, type Credentials } from "./credentials.ts";

export interface GateQuestion {
  /** Of the gate; see `gateUrl`. */
  url: URL;
  body: Uint8Array;
  /** What the answer must be about. */
  requestDigest: string;
  /** The same for every attempt, so that the gate decides once. */
  id: string;
  credentials: Credentials;
  /** The caller's name in plangate.yaml, where its credentials are not enough; null: they are. */
  caller: string | null;
}

export interface Patience {
  /** Milliseconds for everything: attempts and pauses. */
  timeoutMs: number;
  now(): Date;
  sleep(ms: number): Promise<unknown>;
  /** Told before each pause. */
  onRetry(reason: string, waitMs: number): void;
}

/** `gate-refused`: the gate has not judged the request, and asking again would not help. `gate-unavailable`: it did not answer in time. */
export class GateError extends PlangateError {}

/** The fields that decide what a pipeline does; the rest is for people. */
const answerSchema = z.looseObject({
  id: z.string(),
  decision: z.enum(["approved", "rejected"]),
  allowed: z.boolean(),
  requestDigest: z.string(),
  /** A compact JWS; absent: the gate is of an earlier version. */
  pass: z
    .string()
    .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    .nullish(),
});
export type GateAnswer = z.output<typeof answerSchema>;

const problemSchema = z.looseObject({
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.looseObject({ path: z.string(), message: z.string() })).default([]),
});

const mostBytes = 64 * 1024 * 1024;
const longestAttemptMs = 60_000;
const longestPauseMs = 15_000;

/** Asks until the gate has decided. Throws GateError, CredentialsError. */
export async function requestDecision(question: GateQuestion, patience: Patience): Promise<GateAnswer> {
  const started = performance.now();
  const left = () => patience.timeoutMs - (performance.now() - started);
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await ask(question, patience.now(), Math.min(longestAttemptMs, left()));
    if ("answer" in outcome) return outcome.answer;
    const waitMs = Math.max(outcome.retryAfterMs, Math.min(longestPauseMs, 500 * 2 ** attempt) * (0.5 + Math.random()));
    if (waitMs >= left()) {
      throw new GateError("gate-unavailable", `The gate has not decided in time: ${outcome.reason}.`, {
        cause: outcome.cause,
      });
    }
    patience.onRetry(outcome.reason, waitMs);
    await patience.sleep(waitMs);
  }
}

interface TryAgain {
  reason: string;
  retryAfterMs: number;
  cause?: unknown;
}

async function ask(
  { url, body, requestDigest, id, credentials, caller }: GateQuestion,
  at: Date,
  timeoutMs: number,
): Promise<{ answer: GateAnswer } | TryAgain> {
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
  const type = (response.headers.get("content-type") ?? "").split(";")[0]?.trim();
  if ((response.status === 200 || response.status === 403) && type === "application/json") {
    return { answer: checkedAnswer(text, response.status, requestDigest) };
  }
  const problem = type === "application/problem+json" ? problemSchema.safeParse(jsonOf(text)).data : undefined;
  if ([429, 502, 503, 504].includes(response.status) || problem?.code === "idempotency-in-flight") {
    const seconds = response.headers.get("retry-after") ?? "";
    const retryAfterMs = /^[0-9]{1,6}$/.test(seconds) ? Number(seconds) * 1000 : 0;
    return {
      reason: `it answered ${response.status}${problem === undefined ? "" : ` (${problem.code})`}`,
      retryAfterMs,
    };
  }
  throw new GateError("gate-refused", refusal(response.status, problem));
}

/** A proxy's page is no approval, and an answer to another question neither. */
function checkedAnswer(text: string, status: number, requestDigest: string): GateAnswer {
  const parsed = answerSchema.safeParse(jsonOf(text));
  if (!parsed.success) throw new GateError("gate-refused", "What answers at this URL is not a plangate gate.");
  const answer = parsed.data;
  const approved = answer.decision === "approved";
  if (answer.allowed !== approved || (status === 200) !== approved) {
    throw new GateError("gate-refused", "The gate's answer contradicts itself.");
  }
  if (answer.requestDigest !== requestDigest) {
    throw new GateError("gate-refused", "The gate's answer is about another request.");
  }
  return answer;
}

function refusal(status: number, problem: z.output<typeof problemSchema> | undefined): string {
  if (problem === undefined)
    return `The gate answered with the status ${status}, which is not a decision. Check the URL.`;
  const places = problem.errors.map(({ path, message }) => `\n  ${path === "" ? "" : `${path}: `}${message}`);
  return `The gate has not judged the request (${status} ${problem.code}): ${problem.detail.split("\n")[0]}${places.length > 1 ? places.join("") : ""}`;
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

import { z } from "zod";
import { type AdmissionGateSettings, type AdmissionPorts, type Admitted, admit } from "../../app/admit.ts";
import { reviewVersion } from "../../core/admission/review.ts";
import { mebibyte } from "./body.ts";
import { describeError } from "./log.ts";
import { HttpError } from "./problem.ts";
import { nameParameter } from "./query.ts";
import { defineRoute, type GateBase } from "./route.ts";

/** What the routes of the admission address work with; the database is no part of it. */
export interface AdmissionGate extends GateBase {
  ports: AdmissionPorts;
  settings: AdmissionGateSettings;
  /** Why verdicts cannot be recorded; null: they can. */
  recordProblem(): Promise<string | null>;
  /** `ok`, or what is wrong with the certificate. */
  certificate(): string;
}

/** `strict` would refuse what a later API server adds. */
const timeoutQuery = z.object({
  timeout: z.string().optional().describe("How long the API server waits; it adds it."),
});

/**
 * Whoever can make an object so large that its review is refused has a way around a webhook with failurePolicy Ignore. etcd takes 1.5 MiB;
 * the API server writes "<" and control characters in six bytes (Go's encoding/json), and sends the old object along.
 */
const largestReview = 24 * mebibyte;

/**
 * As the API server writes it, which may hold what strict readers refuse, such as the key `__proto__` in a volume's attributes: any status but
 * 200 is a way around a webhook with failurePolicy Ignore.
 */
function parseReviewText(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new HttpError(400, "bad-json", "The body is not valid JSON.");
  }
}

const reviewSchema = z.looseObject({ apiVersion: z.literal(reviewVersion), kind: z.literal("AdmissionReview") });

export const postAdmission = defineRoute<typeof timeoutQuery, AdmissionGate>({
  method: "post",
  path: "/admission/{environment}",
  operationId: "admit",
  summary: "Answers a Kubernetes AdmissionReview (v1).",
  access: "open",
  query: timeoutQuery,
  body: reviewSchema,
  largestBody: largestReview,
  parseBody: parseReviewText,
  responses: {
    200: { description: "The answer; `response.allowed` is the verdict.", schema: reviewSchema },
    400: { description: "Not an AdmissionReview that an API server has sent: it has no `request.uid`." },
  },
  async handle(gate, { params, json, id: requestId }) {
    const environment = environmentOf(params.environment);
    const { value } = await json();
    const started = process.hrtime.bigint();
    const admitted = await admit(gate.ports, gate.settings, environment, value);
    report(gate, environment, requestId, admitted, Number(process.hrtime.bigint() - started) / 1e9);
    return { status: 200, body: admitted.answer };
  },
});

function environmentOf(given: string | undefined): string {
  const parsed = nameParameter.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new HttpError(400, "bad-request", "The path must be /admission/ and the name of an environment.");
}

function report(
  { log, telemetry }: AdmissionGate,
  environment: string,
  requestId: string,
  { answer, outcome, record, dryRun, error }: Admitted,
  seconds: number,
): void {
  telemetry.admitted(environment, outcome, seconds);
  const { uid, allowed } = answer.response;
  if (outcome === "unrecorded" || outcome === "failed") {
    const what = outcome === "failed" ? "admission could not be judged" : "admission could not be recorded";
    log.error({ uid, environment, error: describeError(error), requestId }, what);
  } else if (outcome === "not-gated") {
    log.debug({ uid, environment, requestId }, "admission not gated");
  } else {
    const { basis, namespace, kind, name, user, service, problems } = record ?? {};
    const fields = {
      uid,
      environment,
      allowed,
      outcome,
      basis,
      namespace,
      kind,
      name,
      user,
      service,
      problems,
      dryRun,
    };
    log.info({ ...fields, seconds, requestId }, "admission judged");
  }
}

import { createHash } from "node:crypto";
import { z } from "zod";
import { submit } from "../../app/submit.ts";
import { type Decision, decisionSchema } from "../../core/decision.ts";
import { InputError } from "../../core/errors.ts";
import { jsonText } from "../../core/json.ts";
import { deployRequestSchema } from "../../core/request.ts";
import { defineRoute, type Gate, type RouteRequest } from "./route.ts";

const keyForm = /^[\x21-\x7e]{1,255}$/;

export const postDecision = defineRoute({
  method: "post",
  path: "/v1/decisions",
  operationId: "decide",
  summary: "Judges a deploy request and records the decision.",
  access: ["request"],
  query: z.strictObject({
    mode: z.enum(["json"]).optional().describe("`json`: 200 for approved and rejected alike; read `allowed`."),
  }),
  headers: z.object({
    "Idempotency-Key": z
      .string()
      .regex(keyForm)
      .optional()
      .describe("The same key and body gives the stored decision again, for 24 hours. `webhook-id` does the same."),
  }),
  body: deployRequestSchema,
  responses: {
    200: { description: "Approved; with `mode=json` also rejected.", schema: decisionSchema },
    403: {
      description: "Rejected (application/json), or not permitted (application/problem+json).",
      schema: decisionSchema,
    },
    400: { description: "The body is not a deploy request; `errors` names every place." },
    409: { description: "The key's request is still being decided, or its approval has ended." },
    413: { description: "The body is larger than 8 MiB." },
    415: { description: "The body is not application/json in UTF-8, or is compressed." },
    422: { description: "The key was used with another body, or the request contradicts the gate's configuration." },
    503: { description: "The gate could not decide. Nothing is approved." },
  },
  async handle(gate, request) {
    const idempotencyKey = idempotencyKeyOf(request);
    const { value, bytes } = await request.json();
    const bodyDigest = digestOf(bytes, request.caller.principal);
    const started = process.hrtime.bigint();
    const ports = { ...gate.ports, humanTokens: await gate.humanTokens.forRequest(value) };
    const { decision, repeated } = await submit(ports, gate.settings, {
      raw: value,
      caller: request.caller,
      idempotency: idempotencyKey === null ? null : { key: idempotencyKey, bodyDigest },
    });
    if (!repeated) report(gate, request, decision, Number(process.hrtime.bigint() - started) / 1e9);
    const status = decision.allowed || request.query.mode === "json" ? 200 : 403;
    return { status, body: jsonText(decision), contentType: "application/json; charset=utf-8" };
  },
});

function idempotencyKeyOf({ header }: RouteRequest<unknown>): string | null {
  const given = ["idempotency-key", "webhook-id"].map(header).filter((key) => key !== undefined);
  const [key = null, other = key] = given;
  if (key !== other || (key !== null && !keyForm.test(key))) {
    const message = "one key of 1 to 255 printable ASCII characters; where webhook-id is sent too, the same";
    throw new InputError("bad-request", "The headers are not valid", [{ path: "Idempotency-Key", message }]);
  }
  return key;
}

/** What was asked, and by whom: another requester has not asked the same. */
function digestOf(bytes: Uint8Array, principal: string | null): string {
  const hash = createHash("sha256").update(bytes);
  return (principal === null ? hash : hash.update(`\n${principal}`)).digest("hex");
}

function report(
  { log, telemetry }: Gate,
  { id: requestId, caller }: RouteRequest<unknown>,
  decision: Decision,
  seconds: number,
): void {
  telemetry.decided(decision, seconds);
  const { id, service, environment, commit, requestedBy, requestDigest, notAfter } = decision;
  const failed = decision.findings.filter(({ outcome }) => outcome !== "pass").map(({ ruleId }) => ruleId);
  log.info(
    {
      decision: decision.decision,
      id,
      service,
      environment,
      commit,
      caller: caller.name,
      requestedBy,
      requestDigest,
      notAfter,
      failed: [...new Set(failed)],
      ...usedOverrides(decision),
      seconds,
      requestId,
    },
    "decided",
  );
}

/** Who opened the gate, where somebody did. */
function usedOverrides({ overrides = [] }: Decision): object {
  const used = overrides.filter(({ consumed }) => consumed);
  return used.length === 0 ? {} : { overrides: used.map(({ jti, by, reason }) => ({ jti, by, reason })) };
}

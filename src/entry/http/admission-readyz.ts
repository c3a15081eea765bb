import { z } from "zod";
import type { AdmissionGate } from "./post-admission.ts";
import { noQuery } from "./query.ts";
import { defineRoute } from "./route.ts";

const readiness = z.strictObject({
  ready: z.boolean(),
  policies: z.string().describe("`ok`, or `stale since <instant>` while the files are broken."),
  certificate: z.string().describe("`ok`, or what is wrong with it; the last good one stays in force."),
  record: z.string().describe("`ok`, or why verdicts cannot be recorded."),
});

export const admissionReadyz = defineRoute<typeof noQuery, AdmissionGate>({
  method: "get",
  path: "/readyz",
  operationId: "admissionReadiness",
  summary: "Says whether the gate can answer admission reviews; it needs no database for that.",
  access: "open",
  query: noQuery,
  responses: {
    200: { description: "It can.", schema: readiness },
    503: { description: "It cannot, or is shutting down.", schema: readiness, contentType: "application/json" },
  },
  async handle({ ports, isStopping, recordProblem, certificate }) {
    const problem = await recordProblem();
    const { staleSince } = ports.policies.current();
    // Policies that have been broken for too long deny by themselves, with a reason that an unready gate could not give.
    const ready = problem === null && !isStopping();
    return {
      status: ready ? 200 : 503,
      body: {
        ready,
        policies: staleSince === null ? "ok" : `stale since ${staleSince.toISOString()}`,
        certificate: certificate(),
        record: problem ?? "ok",
      },
    };
  },
});

import { noQuery } from "./query.ts";
import { defineRoute } from "./route.ts";

export const metrics = defineRoute({
  method: "get",
  path: "/metrics",
  operationId: "metrics",
  summary: "Gives metrics in Prometheus' text format.",
  access: ["read"],
  query: noQuery,
  responses: { 200: { description: "The metrics.", contentType: "text/plain" } },
  async handle({ telemetry }) {
    const { contentType, body } = await telemetry.text();
    return { status: 200, body, contentType };
  },
});

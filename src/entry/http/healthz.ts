import { z } from "zod";
import { noQuery } from "./query.ts";
import { defineRoute, type GateBase } from "./route.ts";

export const healthz = defineRoute<typeof noQuery, GateBase>({
  method: "get",
  path: "/healthz",
  operationId: "health",
  summary: "Says that the process runs.",
  access: "open",
  query: noQuery,
  responses: { 200: { description: "It runs.", schema: z.strictObject({ status: z.literal("ok") }) } },
  handle: async () => ({ status: 200, body: { status: "ok" } }),
});

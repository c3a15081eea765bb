import { jwkSetSchema } from "../../adapters/passes/jwk-set.ts";
import { noQuery } from "./query.ts";
import { defineRoute, type GateBase } from "./route.ts";

/** A key that is to sign is published at least this long before (docs/pipelines.md), so that nobody meets a pass by a key unknown to them. */
const maxAgeSeconds = 300;

export const jwks = defineRoute<typeof noQuery, GateBase>({
  method: "get",
  path: "/.well-known/jwks.json",
  operationId: "keySet",
  summary: "Gives the public keys that passes are verified with, those that no longer sign too.",
  access: "open",
  query: noQuery,
  responses: { 200: { description: "A JWK set (RFC 7517).", schema: jwkSetSchema } },
  handle: async (gate) => ({
    status: 200,
    body: gate.jwks,
    headers: { "Cache-Control": `public, max-age=${maxAgeSeconds}` },
  }),
});

import { z } from "zod";
import { version } from "../../../package.json";
import { problemSchema } from "./problem.ts";
import { noQuery } from "./query.ts";
import { defineRoute, type ResponseDocument, type Route } from "./route.ts";

/** The OpenAPI 3.1 description, made from the schemas that the routes validate with. It describes itself too. */
export function openapiRoute(others: readonly Route[]): Route {
  const route = defineRoute({
    method: "get",
    path: "/openapi.json",
    operationId: "openapi",
    summary: "Gives this description.",
    access: "open",
    query: noQuery,
    responses: { 200: { description: "OpenAPI 3.1.", schema: z.looseObject({ openapi: z.string() }) } },
    handle: async () => ({ status: 200, body: document }),
  });
  const document = openapiDocument([...others, route]);
  return route;
}

function openapiDocument(routes: readonly Route[]) {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "plangate",
      version,
      description: "A deployment policy gate for teams on PostgreSQL. Errors are RFC 9457 problem details.",
    },
    paths,
    components: {
      schemas: { Problem: jsonSchema(problemSchema, "output") },
      securitySchemes: {
        oidc: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "OIDC ID token of the pipeline." },
        webhook: {
          type: "apiKey",
          in: "header",
          name: "webhook-signature",
          description:
            "Standard Webhooks: HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`, as `v1,<base64>`; webhook-id and webhook-timestamp come along.",
        },
      },
    },
  };
}

function operation(route: Route): object {
  return {
    operationId: route.operationId,
    summary: route.summary,
    parameters: [
      ...parameters(route.query, "query"),
      ...(route.headers === undefined ? [] : parameters(route.headers, "header")),
      ...[...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
        name,
        in: "path",
        required: true,
        schema: { type: "string" },
      })),
    ],
    ...(route.body !== undefined && {
      requestBody: { required: true, content: { "application/json": { schema: jsonSchema(route.body, "input") } } },
    }),
    security: route.access === "open" ? [] : [{ webhook: [] }, { oidc: [] }, {}],
    responses: Object.fromEntries(
      Object.entries({ ...authenticationResponses(route), ...route.responses }).map(([status, response]) => [
        status,
        responseObject(Number(status), response),
      ]),
    ),
  };
}

/** Where callers are configured. */
function authenticationResponses({ access }: Route): Readonly<Record<number, ResponseDocument>> {
  if (access === "open") return {};
  return {
    401: { description: "Nobody known: no signature or token, or one that does not hold." },
    403: { description: `The caller may not do this. It needs the permission ${access.join(" or ")}.` },
    429: { description: "The caller sends too many requests. `Retry-After` says when to try again." },
  };
}

const problemContent = { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } };

function responseObject(status: number, { description, schema, contentType = "application/json" }: ResponseDocument) {
  const own = schema === undefined ? {} : { [contentType]: { schema: jsonSchema(schema, "output") } };
  if (status < 400) return { description, content: schema === undefined ? { [contentType]: {} } : own };
  return { description, content: { ...own, ...problemContent } };
}

function parameters(schema: z.ZodObject, place: "query" | "header"): object[] {
  const { properties = {}, required = [] } = jsonSchema(schema, "input");
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: property,
  }));
}

function jsonSchema(schema: z.ZodType, io: "input" | "output") {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}

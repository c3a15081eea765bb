import { z } from "zod";
import { apiRoutes } from "../../src/entry/http/routes.ts";
import { deploy, startTestGate, type TestGate } from "./gate.ts";

const schema = z.record(z.string(), z.unknown());
const content = z.record(z.string(), z.strictObject({ schema: schema.optional() }));

/** The parts of an OpenAPI 3.1 document that ours has; unknown keys are errors. */
const openapi = z.strictObject({
  openapi: z.literal("3.1.0"),
  info: z.strictObject({ title: z.string(), version: z.string(), description: z.string() }),
  paths: z.record(
    z.string().startsWith("/"),
    z.partialRecord(
      z.enum(["get", "post"]),
      z.strictObject({
        operationId: z.string().min(1),
        summary: z.string().min(1),
        security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
        parameters: z.array(
          z.strictObject({ name: z.string(), in: z.enum(["query", "header", "path"]), required: z.boolean(), schema }),
        ),
        requestBody: z.strictObject({ required: z.boolean(), content }).optional(),
        responses: z.record(
          z.string().regex(/^[1-5]\d\d$/),
          z.strictObject({ description: z.string().min(1), content }),
        ),
      }),
    ),
  ),
  components: z.strictObject({
    schemas: z.record(z.string(), schema),
    securitySchemes: z.record(z.string(), z.looseObject({ type: z.enum(["http", "apiKey"]), description: z.string() })),
  }),
});

let gate: TestGate;
let document: z.infer<typeof openapi>;
beforeAll(async () => {
  gate = await startTestGate();
  document = openapi.parse((await gate.get("/openapi.json").expect(200)).body);
});
afterAll(() => gate.cleanup());

const operations = () => Object.values(document.paths).flatMap((path) => Object.values(path));

it("covers every route, and nothing else", () => {
  const described = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  );
  expect(described.sort()).toEqual(apiRoutes.map(({ method, path }) => `${method} ${path}`).sort());
  expect(new Set(operations().map(({ operationId }) => operationId)).size).toBe(described.length);
});

it("refers only to ways of authenticating that it describes", () => {
  const known = Object.keys(document.components.securitySchemes);
  const used = operations().flatMap(({ security }) => (security ?? []).flatMap((way) => Object.keys(way)));
  expect(known).toEqual(expect.arrayContaining([...new Set(used)]));
});

it("declares the parts of every path", () => {
  for (const [path, item] of Object.entries(document.paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { parameters } of Object.values(item)) {
      const declared = parameters.filter((parameter) => parameter.in === "path");
      expect(declared.map(({ name, required }) => [name, required])).toEqual(inPath.map((name) => [name, true]));
    }
  }
});

it("refers only to what it has", () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(([, reference]) => reference);
  expect(references.length).toBeGreaterThan(0);
  for (const reference of references) {
    const name = reference?.replace("#/components/schemas/", "");
    expect(Object.keys(document.components.schemas)).toContain(name);
  }
});

it("describes errors as problem details", () => {
  for (const { responses } of operations()) {
    for (const [status, response] of Object.entries(responses)) {
      if (Number(status) >= 400) expect(Object.keys(response.content)).toContain("application/problem+json");
    }
  }
});

it("says which keys a deploy request and a decision have", async () => {
  const post = document.paths["/v1/decisions"]?.post;
  const request = post?.requestBody?.content["application/json"]?.schema as { properties: object; required: string[] };
  expect(request.required).toEqual(["service", "environment"]);
  expect(Object.keys(request.properties)).toContain("migrations");
  const decision = post?.responses["200"]?.content["application/json"]?.schema as {
    properties: object;
    required: string[];
  };
  const answered = (await gate.post("/v1/decisions", deploy).expect(200)).body;
  expect(Object.keys(answered)).toEqual(expect.arrayContaining(decision.required));
  expect(Object.keys(decision.properties)).toEqual(expect.arrayContaining(Object.keys(answered)));
});

import fc from "fast-check";
import { openAuthenticator } from "../../src/adapters/callers/authenticator.ts";
import { PlangateError } from "../../src/core/errors.ts";
import { startIssuer, type TestIssuer } from "./oidc-issuer.ts";
import { caller, oidc, pipelineKey, secrets, signature } from "./world.ts";

const at = new Date("2026-03-11T12:00:00Z");
let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startIssuer(() => at);
});
afterAll(() => issuer.close());

const authenticator = () =>
  openAuthenticator([caller("pipeline", secrets(pipelineKey)), caller("ci", oidc(issuer.url))], { now: () => at });

const outcome = async (headers: Readonly<Record<string, readonly string[] | undefined>>, body: Uint8Array) => {
  const known = new Map(Object.entries(headers));
  try {
    const { name } = await authenticator().authenticate({
      headers: (name) => known.get(name) ?? [],
      body: async () => body,
    });
    return name;
  } catch (error) {
    if (error instanceof PlangateError) return error.code;
    throw error;
  }
};

const anything = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "v1,", "Bearer ", "NaN", ".."),
);
const values = fc.array(anything, { maxLength: 2 });

test("whatever the headers say: not authenticated, and no other error", async () => {
  const headers = fc.record(
    {
      "webhook-id": values,
      "webhook-timestamp": fc.oneof(values, fc.constant([String(at.getTime() / 1000)])),
      "webhook-signature": fc.oneof(
        values,
        fc.base64String().map((text) => [`v1,${text}`]),
      ),
      authorization: fc.oneof(
        values,
        anything.map((text) => [`Bearer ${text}`]),
      ),
      "plangate-caller": values,
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(headers, fc.uint8Array(), async (given, body) => {
      expect(await outcome(given, body)).toBe("not-authenticated");
    }),
    { numRuns: 2000 },
  );
});

test("every body that is signed is heard, and no other body under its signature", async () => {
  const timestamp = String(at.getTime() / 1000);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.uint8Array(), async (signed, sent) => {
      const headers = {
        "webhook-id": ["msg_1"],
        "webhook-timestamp": [timestamp],
        "webhook-signature": [signature(Buffer.from(signed), { timestamp })],
      };
      expect(await outcome(headers, signed)).toBe("pipeline");
      const same = Buffer.from(signed).equals(Buffer.from(sent));
      expect(await outcome(headers, sent)).toBe(same ? "pipeline" : "not-authenticated");
    }),
    { numRuns: 500 },
  );
});

test("whatever a token says in header and claims without the issuer's key", async () => {
  const part = (value: fc.Arbitrary<object>) =>
    value.map((object) => Buffer.from(JSON.stringify(object)).toString("base64url"));
  const header = fc.record(
    {
      alg: fc.oneof(fc.constantFrom("ES256", "RS256", "none"), fc.jsonValue()),
      kid: fc.oneof(fc.constantFrom("__proto__", "toString"), fc.jsonValue()),
      typ: fc.oneof(fc.constant("JWT"), fc.jsonValue()),
    },
    { requiredKeys: [] },
  );
  const claims = fc.record(
    {
      iss: fc.oneof(fc.constant(issuer.url), fc.jsonValue()),
      aud: fc.oneof(fc.constant("plangate"), fc.jsonValue()),
      exp: fc.oneof(fc.constant(at.getTime() / 1000 + 60), fc.jsonValue()),
      iat: fc.oneof(fc.constant(at.getTime() / 1000), fc.jsonValue()),
      repository_id: fc.oneof(fc.constant("74"), fc.jsonValue()),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(part(header), part(claims), fc.base64String(), async (first, second, mark) => {
      const token = `${first}.${second}.${mark.replace(/[+/=]/g, "")}`;
      expect(await outcome({ authorization: [`Bearer ${token}`] }, new Uint8Array())).toBe("not-authenticated");
    }),
    { numRuns: 1000 },
  );
});

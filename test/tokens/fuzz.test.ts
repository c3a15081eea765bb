import fc from "fast-check";
import { humanTokens } from "../../src/adapters/tokens/human-tokens.ts";
import { approversFrom, ecKeys, forge, monday, seconds } from "./forge.ts";

/** Whatever comes in place of a token: an answer, never an exception, and never a token that counts unless it was signed as it is. */
const keys = { dba: ecKeys() };
const tokens = humanTokens(
  approversFrom(
    "approvers: [{ subject: dba, kid: dba-2026, algorithm: ES256, publicKeyFile: dba.pem, mayApprove: true, mayWaive: [freeze] }]",
    keys,
  ),
);
const digest = `sha256:${"a".repeat(64)}`;
const context = {
  requestDigest: digest,
  environment: "production",
  requestedBy: "dev",
  plansDigest: digest,
  at: monday,
};
const header = { alg: "ES256", typ: "plangate-override+jwt", kid: "dba-2026" };
const now = seconds(monday);
const claims = {
  iss: "dba",
  sub: "dba",
  aud: "orders-gate",
  iat: now,
  nbf: now,
  exp: now + 900,
  jti: "a",
  req: digest,
  env: "production",
  rules: ["freeze"],
  reason: "why",
};
const good = forge(header, claims, keys.dba);

const isRefused = (token: string) => {
  for (const verdict of [tokens.verifyOverride(token, context), tokens.verifyApproval(token, context)]) {
    expect(verdict.problem).toMatch(/^\P{Cc}+$/u);
  }
};

it("the token that the others are made from counts", () => {
  expect(tokens.verifyOverride(good, context).problem).toBeNull();
});

it("any text", () => fc.assert(fc.property(fc.string({ unit: "binary" }), isRefused)));

it("three parts of any JSON, with a signature that holds or not", () => {
  const part = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value));
  fc.assert(
    fc.property(part, part, fc.boolean(), (first, second, signed) => {
      const token = forge(signed ? header : first, second, keys.dba);
      isRefused(token);
    }),
  );
});

it("a claim or a header of any other value, signed: refused, or it meant the same", () => {
  const name = fc.constantFrom(...Object.keys(claims), ...Object.keys(header), "crit", "b64", "zip", "toString");
  fc.assert(
    fc.property(name, fc.jsonValue({ maxDepth: 2 }), (key, value) => {
      const token =
        key in header || key in claims
          ? ([
              key in header ? { ...header, [key]: value } : header,
              key in claims ? { ...claims, [key]: value } : claims,
            ] as const)
          : ([{ ...header, [key]: value }, claims] as const);
      const { problem, override } = tokens.verifyOverride(forge(...token, keys.dba), context);
      // A number or a text of another value can be as good: a lower `iat`, another reason or jti.
      if (problem === null) {
        expect(["iat", "nbf", "exp", "jti", "reason"]).toContain(key);
        expect(override?.rules).toEqual(["freeze"]);
      }
    }),
    { numRuns: 500 },
  );
});

it("cut, doubled and reordered parts", () => {
  const parts = good.split(".");
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 2 }), { maxLength: 5 }), fc.nat({ max: 400 }), (order, cut) => {
      const token = order
        .map((index) => parts[index])
        .join(".")
        .slice(0, -1 - cut);
      if (token !== good) isRefused(token);
    }),
  );
});

import { humanTokens } from "../../src/adapters/tokens/human-tokens.ts";
import type { TokenContext } from "../../src/app/ports.ts";
import {
  approversFrom,
  badKids,
  ecKeys,
  foreignHeaders,
  forge,
  monday,
  pem,
  rsaKeys,
  seconds,
  withHmac,
  withSignature,
} from "./forge.ts";

const keys = { dba: ecKeys(), rsa: rsaKeys(), pss: rsaKeys(), oncall: ecKeys(), gone: ecKeys(), stranger: ecKeys() };

const tokens = humanTokens(
  approversFrom(
    `
approvers:
  - { subject: dba@example.com, kid: dba-2026, algorithm: ES256, publicKeyFile: dba.pem, mayApprove: true, aliases: [octo-dba],
      mayWaive: [change-window, freeze], environments: [production, "prod-*"] }
  - { subject: rsa@example.com, kid: rsa-2026, algorithm: RS256, publicKeyFile: rsa.pem, mayWaive: [change-window] }
  - { subject: pss@example.com, kid: pss-2026, algorithm: PS256, publicKeyFile: pss.pem, mayWaive: [change-window] }
  - { subject: oncall@example.com, kid: oncall-2026, algorithm: ES256, publicKeyFile: oncall.pem, mayWaive: [change-window] }
  - { subject: gone@example.com, kid: gone-2026, algorithm: ES256, publicKeyFile: gone.pem, mayWaive: [change-window] }
revoked: { jtis: [lost-one], kids: [oncall-2026], subjects: [Gone@example.com] }
`,
    keys,
  ),
);

const req = `sha256:${"a".repeat(64)}`;
const otherDigest = `sha256:${"b".repeat(64)}`;
const plans = `sha256:${"c".repeat(64)}`;
const now = seconds(monday);

const context: TokenContext = {
  requestDigest: req,
  environment: "production",
  requestedBy: "dev@example.com",
  plansDigest: plans,
  at: monday,
};

const header = { alg: "ES256", typ: "plangate-override+jwt", kid: "dba-2026" };
const claims = {
  iss: "dba@example.com",
  sub: "dba@example.com",
  aud: "orders-gate",
  iat: now,
  nbf: now,
  exp: now + 900,
  jti: "ovr_1",
  req,
  env: "production",
  rules: ["change-window"],
  reason: "Queries that take 38 s; the index has to come back",
};
const by = (name: string) => ({ iss: `${name}@example.com`, sub: `${name}@example.com` });
const without = (name: keyof typeof claims) =>
  Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));

const override = (token: string, changes: Partial<TokenContext> = {}) =>
  tokens.verifyOverride(token, { ...context, ...changes }).problem;
const signed = (changes: object, headerChanges: object = {}) =>
  forge({ ...header, ...headerChanges }, { ...claims, ...changes }, keys.dba);

it("an override that is right in everything counts", () => {
  expect(tokens.verifyOverride(signed({ ticket: "INC-2041" }), context)).toEqual({
    problem: null,
    override: {
      jti: "ovr_1",
      by: "dba@example.com",
      kid: "dba-2026",
      rules: ["change-window"],
      reason: "Queries that take 38 s; the index has to come back",
      ticket: "INC-2041",
      issuedAt: monday,
      expiresAt: new Date("2026-03-16T14:54:00Z"),
    },
  });
  for (const [name, alg] of [
    ["rsa", "RS256"],
    ["pss", "PS256"],
  ] as const) {
    expect(
      override(forge({ ...header, alg, kid: `${name}-2026` }, { ...claims, ...by(name) }, keys[name], alg)),
    ).toBeNull();
  }
});

describe("the algorithm and the key are the configuration's", () => {
  it.each(["none", "None", "nOnE", "NONE"])("alg %s", (alg) => {
    expect(override(withSignature({ ...header, alg }, claims, ""))).toBe("it has no signature");
    expect(override(withSignature({ ...header, alg }, claims, "AA"))).toMatch(/"alg" is none of/);
  });
  it.each([
    ["an empty signature", withSignature(header, claims, ""), /no signature/],
    ["a signature of one byte", withSignature(header, claims, "AA"), /not that of the key/],
    [
      "a signature of zeros (CVE-2022-21449)",
      withSignature(header, claims, Buffer.alloc(64).toString("base64url")),
      /not that of the key/,
    ],
    [
      "RS256 to HS256 confusion: the public key as the secret",
      withHmac({ ...header, alg: "HS256", kid: "rsa-2026" }, { ...claims, ...by("rsa") }, pem(keys.rsa.publicKey)),
      /"alg" is none of/,
    ],
    ["HMAC under the name ES256", withHmac(header, claims, pem(keys.dba.publicKey)), /not that of the key/],
    [
      "ES256 to RS256 swap",
      forge({ ...header, alg: "RS256" }, claims, keys.rsa, "RS256"),
      /signed with RS256, and the key dba-2026 is for ES256/,
    ],
    [
      "RS256 to ES256 swap",
      forge({ ...header, kid: "rsa-2026" }, { ...claims, ...by("rsa") }, keys.dba),
      /signed with ES256, and the key rsa-2026 is for RS256/,
    ],
    [
      "PS256 with a key for RS256",
      forge({ ...header, alg: "PS256", kid: "rsa-2026" }, { ...claims, ...by("rsa") }, keys.rsa, "PS256"),
      /is for RS256/,
    ],
    ["alg as an array", forge({ ...header, alg: ["ES256"] }, claims, keys.dba), /"alg" is none of/],
    ["another approver's key under the kid", forge(header, claims, keys.oncall), /not that of the key dba-2026/],
    [
      "a stranger's key",
      forge({ ...header, kid: "stranger" }, claims, keys.stranger),
      /stranger is not among the configured approvers/,
    ],
  ])("%s", (_name, token, problem) => expect(override(token)).toMatch(problem));

  it.each(foreignHeaders(keys.stranger.publicKey))("%s", (_name, extra, problem) => {
    expect(override(forge({ ...header, ...extra }, claims, keys.stranger))).toMatch(problem);
    expect(override(signed({}, extra))).toMatch(problem);
  });

  it.each(badKids)("%s", (_name, kid) => expect(override(signed({}, { kid }))).toBe('its "kid" is not a key id'));

  it.each(["constructor", "toString", "hasOwnProperty", "valueOf"])("kid %s, a prototype's name", (kid) => {
    expect(override(signed({}, { kid }))).toMatch(/is not among the configured approvers/);
  });
  it("no kid", () => {
    expect(override(forge({ alg: "ES256", typ: header.typ }, claims, keys.dba))).toMatch(/"kid" is not a key id/);
  });

  it("a flood of unknown kids changes nothing and asks nobody", () => {
    for (let n = 0; n < 1_000; n += 1)
      expect(override(withSignature({ ...header, kid: `k${n}` }, claims, "AA"))).not.toBeNull();
    expect(override(signed({}))).toBeNull();
  });
});

describe("one kind of token is not another", () => {
  const approvalClaims = { ...without("rules"), of: "query-plans", plans };
  it.each([
    [
      "an approval used as an override",
      forge({ ...header, typ: "plangate-approval+jwt" }, approvalClaims, keys.dba),
      /"typ" is not plangate-override\+jwt/,
    ],
    ["an approval's claims under an override's typ", forge(header, approvalClaims, keys.dba), /"rules"/],
    [
      "an OIDC token used as an override",
      forge(
        { alg: "RS256", typ: "JWT", kid: "rsa-2026" },
        {
          iss: "https://token.actions.githubusercontent.com",
          sub: "repo:o/r:ref:refs/heads/main",
          aud: "orders-gate",
          exp: now + 60,
          iat: now,
        },
        keys.rsa,
        "RS256",
      ),
      /"typ" is not/,
    ],
    ["typ in capitals", signed({}, { typ: "PLANGATE-OVERRIDE+JWT" }), /"typ"/],
    ["typ with application/", signed({}, { typ: "application/plangate-override+jwt" }), /"typ"/],
    ["no typ", forge({ alg: "ES256", kid: "dba-2026" }, claims, keys.dba), /"typ"/],
  ])("%s", (_name, token, problem) => expect(override(token)).toMatch(problem));

  it("an override used as an approval", () => {
    expect(tokens.verifyApproval(signed({}), context).problem).toBe('its "typ" is not plangate-approval+jwt');
  });
});

describe("audience, issuer and subject", () => {
  it.each([
    ["aud of another gate", { aud: "payments-gate" }, /for another gate/],
    ["aud as an array", { aud: ["orders-gate"] }, /"aud" must be the name of one gate/],
    ["aud as an array with others", { aud: ["other", "orders-gate"] }, /"aud"/],
    ["aud that the gate's name is a prefix of", { aud: "orders-gate-2" }, /for another gate/],
    ["aud that is a prefix of the gate's name", { aud: "orders" }, /for another gate/],
    ["aud in capitals", { aud: "Orders-Gate" }, /for another gate/],
    ["an empty aud", { aud: "" }, /"aud"/],
    ["iss with a trailing slash", { iss: "dba@example.com/" }, /"iss" must be dba@example.com/],
    ["iss of somebody else", { iss: "rsa@example.com" }, /"iss" must be/],
    ["sub of somebody else with one's own key", { sub: "rsa@example.com" }, /"sub" must be dba@example.com/],
    ["sub in another spelling", { sub: "DBA@example.com" }, /"sub" must be/],
    ["sub as an array", { sub: ["dba@example.com"] }, /"sub"/],
  ])("%s", (_name, changes, problem) => expect(override(signed(changes))).toMatch(problem));
});

describe("times", () => {
  it.each(["iat", "nbf", "exp", "jti", "aud", "iss", "sub", "req", "env", "rules", "reason"] as const)(
    "missing %s",
    (name) => {
      expect(override(forge(header, without(name), keys.dba))).toMatch(`"${name}"`);
    },
  );
  it.each([
    ["exp as text", { exp: String(now + 900) }, /"exp" must be a number/],
    ["exp as text that is no number", { exp: "never" }, /"exp"/],
    ["exp null", { exp: null }, /"exp"/],
    ["exp far beyond what a date can be", { exp: 1e300 }, /"exp"/],
    ["exp negative", { exp: -1 }, /"exp"/],
    ["iat as text", { iat: String(now) }, /"iat" must be a number/],
    ["nbf as text", { nbf: String(now) }, /"nbf"/],
    ["iat in the future", { iat: now + 61, exp: now + 300 }, /signed in the future/],
    ["nbf in the future", { nbf: now + 61 }, /counts only from 2026-03-16T14:40:01.000Z/],
    ["expired", { iat: now - 600, nbf: now - 600, exp: now - 1 }, /it ended at/],
    ["ending this very second", { iat: now - 600, exp: now }, /it ended at/],
    ["a lifetime over the cap", { exp: now + 901 }, /lives longer than the 15m/],
    ["a lifetime over the cap behind a late nbf", { iat: now - 3600, nbf: now - 60, exp: now + 60 }, /lives longer/],
  ])("%s", (_name, changes, problem) => expect(override(signed(changes))).toMatch(problem));

  it("clock skew: a signer's clock that is ahead by up to a minute", () => {
    expect(override(signed({ iat: now + 60, nbf: now + 60 }))).toBeNull();
  });
  it("the instant of the decision counts, not the process's clock", () => {
    expect(override(signed({}), { at: new Date(monday.getTime() + 899_999) })).toBeNull();
    expect(override(signed({}), { at: new Date(monday.getTime() + 900_000) })).toMatch(/it ended/);
    expect(override(signed({}), { at: new Date("1970-01-01T00:00:00Z") })).toMatch(/in the future/);
  });
});

describe("the form", () => {
  const json = JSON.stringify(claims);
  it.each([
    ["duplicate claims", forge(header, json.replace("{", '{"rules":["freeze"],'), keys.dba), /each key once/],
    ["a duplicate claim by escape", forge(header, json.replace("{", '{"ex\\u0070":1,'), keys.dba), /each key once/],
    [
      "duplicate header keys",
      forge(JSON.stringify(header).replace("{", '{"alg":"none",'), claims, keys.dba),
      /each key once/,
    ],
    [
      "__proto__ in the claims",
      forge(header, json.replace("{", '{"__proto__":{"rules":["freeze"]},'), keys.dba),
      /not JSON/,
    ],
    ["an unknown claim", signed({ admin: true }), /it has "admin"/],
    ["claims that are an array", forge(header, "[]", keys.dba), /not a JSON object/],
    ["claims that are a text", forge(header, '"x"', keys.dba), /not a JSON object/],
    ["claims that are no JSON", forge(header, "{", keys.dba), /not JSON/],
    ["deep nesting", forge(header, `${"[".repeat(5000)}${"]".repeat(5000)}`, keys.dba), /not JSON/],
    ["padding", `${signed({})}==`, /not base64url/],
    ["a trailing line break", `${signed({})}\n`, /not base64url/],
    ["four parts", `${signed({})}.x`, /not a signed token/],
    ["an encrypted token (five parts)", "a.b.c.d.e", /not a signed token/],
    ["a detached payload", signed({}).replace(/\.[^.]*\./, ".."), /not a signed token/],
    ["JSON serialization", JSON.stringify({ protected: "x", payload: "y", signature: "z" }), /not a signed token/],
    ["a megabyte", `${"A".repeat(1 << 20)}.${"A".repeat(1 << 20)}.AAAA`, /longer than 16384/],
    ["a jti with a line break", signed({ jti: "a\nb" }), /"jti"/],
    ["a jti that is a number", signed({ jti: 7 }), /"jti"/],
    ["an empty reason", signed({ reason: "" }), /"reason" must say why/],
    ["a reason of blanks", signed({ reason: " \u00a0 " }), /"reason"/],
    ["a reason with an escape sequence", signed({ reason: "\u001b[2J" }), /"reason"/],
  ])("%s", (_name, token, problem) => expect(override(token)).toMatch(problem));

  it("one flipped bit anywhere", () => {
    const token = signed({});
    for (let index = 0; index < token.length; index += 1) {
      const flipped = String.fromCharCode(token.charCodeAt(index) ^ 1);
      expect(override(token.slice(0, index) + flipped + token.slice(index + 1))).not.toBeNull();
    }
  });
});

describe("what it is for", () => {
  it.each([
    ["the digest of another commit, SQL or environment", { req: otherDigest }, {}, /for another request/],
    ["a digest that is a prefix", { req: req.slice(0, 20) }, {}, /"req" must be a request digest/],
    ["another environment", { env: "staging" }, {}, /for another environment/],
    ["an environment glob in the token", { env: "*" }, {}, /for another environment/],
    [
      "an environment that the approver may not sign for",
      { env: "staging" },
      { environment: "staging" },
      /may not sign for staging, only for production, prod-\*/,
    ],
    ["a wildcard rule", { rules: ["*"] }, {}, /without wildcards/],
    ["a rule with a wildcard", { rules: ["change-*"] }, {}, /without wildcards/],
    ["no rule", { rules: [] }, {}, /at least one rule/],
    ["rules as text", { rules: "change-window" }, {}, /"rules" must be a list/],
    [
      "a rule that the approver may not waive",
      { rules: ["change-window", "index-usage"] },
      {},
      /may not waive index-usage/,
    ],
    ["unmatched", { rules: ["unmatched"] }, {}, /unmatched cannot be waived/],
    ["unmatched beside another", { rules: ["change-window", "unmatched"] }, {}, /unmatched cannot be waived/],
    ["a rule that does not exist", { rules: ["stale-policies"] }, {}, /there is no rule stale-policies/],
    ["a prototype's name as a rule", { rules: ["constructor"] }, {}, /there is no rule/],
    ["self-approval", {}, { requestedBy: "dba@example.com" }, /nobody signs for their own request/],
    ["self-approval in another spelling", {}, { requestedBy: " ＤBA@Example.com\u200b" }, /nobody signs for their own/],
    ["one human with two identities", {}, { requestedBy: "Octo-DBA" }, /nobody signs for their own/],
    ["a requester that nobody knows", {}, { requestedBy: null }, /does not say who asks/],
    ["an empty requester", {}, { requestedBy: " " }, /does not say who asks/],
  ])("%s", (_name, changes, use, problem) => expect(override(signed(changes), use)).toMatch(problem));
});

describe("revocation", () => {
  it.each([
    ["a revoked jti", signed({ jti: "lost-one" }), "it has been revoked"],
    [
      "a revoked kid",
      forge({ ...header, kid: "oncall-2026" }, { ...claims, ...by("oncall") }, keys.oncall),
      "its key oncall-2026 has been revoked",
    ],
    [
      "a revoked subject, in another spelling",
      forge({ ...header, kid: "gone-2026" }, { ...claims, ...by("gone") }, keys.gone),
      "gone@example.com's tokens have been revoked",
    ],
  ])("%s", (_name, token, problem) => expect(override(token)).toBe(problem));
});

describe("approvals of query plans", () => {
  const week = 7 * 86_400;
  const approvalHeader = { ...header, typ: "plangate-approval+jwt" };
  const approvalClaims = { ...without("rules"), of: "query-plans", plans, exp: now + week };
  const approval = (changes: object, use: Partial<TokenContext> = {}) =>
    tokens.verifyApproval(forge(approvalHeader, { ...approvalClaims, ...changes }, keys.dba), { ...context, ...use });

  it("count for the request and the plans that were looked at, for a week", () => {
    expect(approval({}, { at: new Date(monday.getTime() + 6 * 86_400_000) })).toEqual({
      problem: null,
      approval: { by: "dba@example.com", of: "query-plans", at: monday, verified: true },
    });
  });
  it.each([
    [
      "other plans since",
      {},
      { plansDigest: otherDigest },
      /the query plans are not those that dba@example.com looked at/,
    ],
    ["another request", { req: otherDigest }, {}, /for another request/],
    ["their own request", {}, { requestedBy: "octo-dba" }, /nobody signs for their own/],
    ["longer than a week", { exp: now + week + 1 }, {}, /lives longer than the 7d/],
    ["of something else", { of: "everything" }, {}, /"of" must be query-plans/],
    ["no plans", { plans: null }, {}, /"plans"/],
    ["rules in an approval", { rules: ["change-window"] }, {}, /it has "rules"/],
  ])("%s", (_name, changes, use, problem) => expect(approval(changes, use).problem).toMatch(problem));

  it("not by an approver who may only waive", () => {
    const token = forge(
      { ...approvalHeader, alg: "RS256", kid: "rsa-2026" },
      { ...approvalClaims, ...by("rsa") },
      keys.rsa,
      "RS256",
    );
    expect(tokens.verifyApproval(token, context).problem).toBe("rsa@example.com may not approve");
  });
});

it("without approvers nothing counts", () => {
  const nobody = humanTokens(approversFrom("", {}));
  expect(nobody.verifyOverride(signed({}), context).problem).toBe("the gate's configuration has no approvers");
});

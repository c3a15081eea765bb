import { passForm } from "../../src/adapters/passes/pass-form.ts";
import { passIssuer, passVerifier } from "../../src/adapters/passes/passes.ts";
import { tokenForms } from "../../src/adapters/tokens/claims.ts";
import { humanTokens } from "../../src/adapters/tokens/human-tokens.ts";
import { signToken } from "../../src/adapters/tokens/sign-token.ts";
import { passProblems } from "../../src/core/admission/pass-agreement.ts";
import type { PassClaims } from "../../src/core/pass.ts";
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
} from "../tokens/forge.ts";

const keys = { gate: ecKeys(), rsa: rsaKeys(), old: ecKeys(), dba: ecKeys(), stranger: ecKeys() };
const signing = { kid: "gate-2026", algorithm: "ES256" as const, ...keys.gate };
const verifier = passVerifier("orders-gate", [
  signing,
  { kid: "gate-2025", algorithm: "ES256", publicKey: keys.old.publicKey },
  { kid: "gate-rsa", algorithm: "PS256", publicKey: keys.rsa.publicKey },
]);

const now = seconds(monday);
const header = { alg: "ES256", typ: "plangate-pass+jwt", kid: "gate-2026" };
const digest = `sha256:${"c".repeat(64)}`;
const claims: PassClaims = {
  iss: "orders-gate",
  aud: "plangate-admission",
  sub: "orders",
  env: "production",
  commit: "9f1c2e7",
  images: [digest],
  migrations: ["b".repeat(64)],
  dec: "dec_1",
  iat: now,
  nbf: now,
  exp: now + 3600,
  changes: ["schema"],
  durationMs: 600_000,
  rollback: false,
  waivedFreezes: [{ policy: "year-end", start: "2026-12-24T05:00:00.000Z", end: "2027-01-02T05:00:00.000Z" }],
};
const without = (name: keyof PassClaims) => Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));
const signed = (changes: object, headerChanges: object = {}) =>
  forge({ ...header, ...headerChanges }, { ...claims, ...changes }, keys.gate);
const problem = (token: string, at = monday) => verifier.verify(token, at).problem;

describe("a pass that is right in everything counts", () => {
  it("by the key that signs", () => {
    expect(verifier.verify(signed({}), monday)).toEqual({ claims, problem: null });
    const issued = passIssuer("orders-gate", signing).issue(claims);
    expect(verifier.verify(issued, monday)).toEqual({ claims, problem: null });
  });
  it("by keys that do not sign any more", () => {
    expect(problem(forge({ ...header, kid: "gate-2025" }, claims, keys.old))).toBeNull();
    expect(problem(forge({ ...header, alg: "PS256", kid: "gate-rsa" }, claims, keys.rsa, "PS256"))).toBeNull();
  });
  it("without a commit, images and migrations", () => {
    expect(problem(signed({ commit: null, images: [], migrations: [], waivedFreezes: [] }))).toBeNull();
  });
});

describe("the algorithm and the key are the gate's", () => {
  it.each(["none", "None", "nOnE", "NONE"])("alg %s", (alg) => {
    expect(problem(withSignature({ ...header, alg }, claims, ""))).toBe("it has no signature");
    expect(problem(withSignature({ ...header, alg }, claims, "AA"))).toMatch(/"alg" is none of/);
  });
  it.each([
    ["an empty signature", withSignature(header, claims, ""), /no signature/],
    ["a signature of one byte", withSignature(header, claims, "AA"), /not that of the key gate-2026/],
    [
      "a signature of zeros (CVE-2022-21449)",
      withSignature(header, claims, Buffer.alloc(64).toString("base64url")),
      /not that of the key/,
    ],
    [
      "RS256 to HS256 confusion: the published key as the secret",
      withHmac({ ...header, alg: "HS256", kid: "gate-rsa" }, claims, pem(keys.rsa.publicKey)),
      /"alg" is none of/,
    ],
    ["HMAC under the name ES256", withHmac(header, claims, pem(keys.gate.publicKey)), /not that of the key/],
    [
      "ES256 to RS256 swap",
      forge({ ...header, alg: "RS256" }, claims, keys.rsa, "RS256"),
      /signed with RS256, and the key gate-2026 is for ES256/,
    ],
    [
      "RSA to ES256 swap",
      forge({ ...header, kid: "gate-rsa" }, claims, keys.gate),
      /signed with ES256, and the key gate-rsa is for PS256/,
    ],
    [
      "RS256 with a key for PS256",
      forge({ ...header, alg: "RS256", kid: "gate-rsa" }, claims, keys.rsa, "RS256"),
      /is for PS256/,
    ],
    ["alg as an array", forge({ ...header, alg: ["ES256"] }, claims, keys.gate), /"alg" is none of/],
    ["another of the gate's keys under the kid", forge(header, claims, keys.old), /not that of the key gate-2026/],
    [
      "a stranger's key",
      forge({ ...header, kid: "stranger" }, claims, keys.stranger),
      /its key stranger is not among the keys of this gate/,
    ],
  ])("%s", (_name, token, expected) => expect(problem(token)).toMatch(expected));

  it.each(foreignHeaders(keys.stranger.publicKey))("%s", (_name, extra, expected) => {
    expect(problem(forge({ ...header, ...extra }, claims, keys.stranger))).toMatch(expected);
    expect(problem(signed({}, extra))).toMatch(expected);
  });

  it.each(badKids)("%s", (_name, kid) => expect(problem(signed({}, { kid }))).toBe('its "kid" is not a key id'));

  it.each(["constructor", "toString", "hasOwnProperty", "valueOf"])("kid %s, a prototype's name", (kid) => {
    expect(problem(signed({}, { kid }))).toBe(`its key ${kid} is not among the keys of this gate`);
  });
  it("no kid", () => {
    expect(problem(forge({ alg: "ES256", typ: header.typ }, claims, keys.gate))).toMatch(/"kid" is not a key id/);
  });
});

describe("one kind of token is not another", () => {
  const humans = humanTokens(
    approversFrom(
      "approvers: [{ subject: dba@example.com, kid: gate-2026, algorithm: ES256, publicKeyFile: gate.pem, mayApprove: true, mayWaive: [freeze] }]",
      { gate: keys.gate },
    ),
  );
  const requestDigest = `sha256:${"a".repeat(64)}`;
  const use = { requestDigest, environment: "production", requestedBy: "dev", plansDigest: digest, at: monday };
  const common = {
    iss: "dba@example.com",
    sub: "dba@example.com",
    aud: "orders-gate",
    iat: now,
    nbf: now,
    exp: now + 600,
    jti: "one",
    req: requestDigest,
    env: "production",
  };
  /** Even where the approver's key is the gate's own, which no configuration should have. */
  const override = signToken(tokenForms.override, { ...common, rules: ["freeze"], reason: "Now" }, signing);
  const approval = signToken(tokenForms.approval, { ...common, of: "query-plans", plans: digest }, signing);

  it("an override as a pass", () => {
    expect(humans.verifyOverride(override, use).problem).toBeNull();
    expect(problem(override)).toBe('its "typ" is not plangate-pass+jwt');
  });
  it("an approval of query plans as a pass", () => {
    expect(humans.verifyApproval(approval, use).problem).toBeNull();
    expect(problem(approval)).toBe('its "typ" is not plangate-pass+jwt');
  });
  it("a pass as an override or an approval", () => {
    const pass = signed({});
    expect(humans.verifyOverride(pass, use).problem).toBe('its "typ" is not plangate-override+jwt');
    expect(humans.verifyApproval(pass, use).problem).toBe('its "typ" is not plangate-approval+jwt');
  });
  it.each([
    [
      "an OIDC token as a pass",
      forge(
        { alg: "PS256", typ: "JWT", kid: "gate-rsa" },
        {
          iss: "https://token.actions.githubusercontent.com",
          sub: "repo:o/r",
          aud: "plangate-admission",
          exp: now + 60,
        },
        keys.rsa,
        "PS256",
      ),
      /"typ" is not plangate-pass\+jwt/,
    ],
    [
      "a checkpoint of the audit chain as a pass",
      forge(
        { ...header, typ: "plangate-checkpoint+jws" },
        { gate: "orders-gate", sequence: 1, hash: "0".repeat(64), at: monday.toISOString() },
        keys.gate,
      ),
      /"typ"/,
    ],
    ["an override's claims under a pass's typ", forge(header, { ...common, rules: ["freeze"] }, keys.gate), /"aud"/],
    ["typ in capitals", signed({}, { typ: "PLANGATE-PASS+JWT" }), /"typ"/],
    ["typ with application/", signed({}, { typ: "application/plangate-pass+jwt" }), /"typ"/],
    ["no typ", forge({ alg: "ES256", kid: "gate-2026" }, claims, keys.gate), /"typ"/],
  ])("%s", (_name, token, expected) => expect(problem(token)).toMatch(expected));
});

describe("audience and issuer", () => {
  it.each([
    ["aud of a gate", { aud: "orders-gate" }, '"aud" must be plangate-admission'],
    ["aud as an array", { aud: ["plangate-admission"] }, '"aud" must be plangate-admission'],
    ["aud as an array with others", { aud: ["other", "plangate-admission"] }, '"aud" must be plangate-admission'],
    ["aud that begins like it", { aud: "plangate-admission-2" }, '"aud" must be plangate-admission'],
    ["aud that is a prefix of it", { aud: "plangate" }, '"aud" must be plangate-admission'],
    ["aud in capitals", { aud: "Plangate-Admission" }, '"aud" must be plangate-admission'],
    ["iss of another gate", { iss: "payments-gate" }, 'it is by another gate ("iss"); this one is orders-gate'],
    ["iss with a trailing slash", { iss: "orders-gate/" }, 'it is by another gate ("iss"); this one is orders-gate'],
    ["iss that begins like it", { iss: "orders-gate-2" }, 'it is by another gate ("iss"); this one is orders-gate'],
    ["iss as an array", { iss: ["orders-gate"] }, '"iss" is missing or not of its documented form'],
  ])("%s", (_name, changes, expected) => expect(problem(signed(changes))).toBe(expected));
});

describe("times", () => {
  it.each(Object.keys(claims) as (keyof PassClaims)[])("missing %s", (name) => {
    expect(problem(forge(header, without(name), keys.gate))).toMatch(`"${name}"`);
  });
  it.each([
    ["exp as text", { exp: String(now + 900) }, /"exp" must be a number/],
    ["exp null", { exp: null }, /"exp"/],
    ["exp far beyond what a date can be", { exp: 1e300 }, /"exp"/],
    ["iat as text", { iat: String(now) }, /"iat" must be a number/],
    ["nbf as text", { nbf: String(now) }, /"nbf"/],
    ["iat in the future", { iat: now + 61 }, /signed in the future, at 2026-03-16T14:40:01.000Z/],
    ["nbf in the future", { nbf: now + 61 }, /counts only from 2026-03-16T14:40:01.000Z/],
  ])("%s", (_name, changes, expected) => expect(problem(signed(changes))).toMatch(expected));

  it("used one second after exp, and at exp itself (RFC 7519: on or after)", () => {
    const later = (ms: number) => problem(signed({}), new Date(monday.getTime() + ms));
    expect(later(3_599_999)).toBeNull();
    expect(later(3_600_000)).toBe("it ended at 2026-03-16T15:39:00.000Z");
    expect(later(3_601_000)).toBe("it ended at 2026-03-16T15:39:00.000Z");
  });
  it("clock skew: the clock of the gate that signed may be ahead by up to a minute", () => {
    expect(problem(signed({ iat: now + 60, nbf: now + 60 }))).toBeNull();
  });
});

describe("the form", () => {
  const json = JSON.stringify(claims);
  it.each([
    ["duplicate claims", forge(header, json.replace("{", '{"env":"staging",'), keys.gate), /each key once/],
    ["a duplicate claim by escape", forge(header, json.replace("{", '{"ex\\u0070":1,'), keys.gate), /each key once/],
    [
      "duplicate header keys",
      forge(JSON.stringify(header).replace("{", '{"alg":"none",'), claims, keys.gate),
      /each key once/,
    ],
    ["__proto__ in the claims", forge(header, json.replace("{", '{"__proto__":{},'), keys.gate), /not JSON/],
    ["an unknown claim", signed({ admin: true }), /it has "admin"/],
    ["an image without its algorithm", signed({ images: ["c".repeat(64)] }), /"images" must be/],
    ["an image digest in capitals", signed({ images: [digest.toUpperCase()] }), /"images" must be/],
    ["a migration that is a glob", signed({ migrations: ["*"] }), /"migrations" must be/],
    ["a kind of change that there is not", signed({ changes: ["nothing"] }), /"changes"/],
    ["no kind of change", signed({ changes: [] }), /"changes"/],
    ["rollback as text", signed({ rollback: "true" }), /"rollback"/],
    ["a waived freeze without its end", signed({ waivedFreezes: [{ policy: "a", start: monday }] }), /"waivedFreezes"/],
    ["claims that are an array", forge(header, "[]", keys.gate), /not a JSON object/],
    ["claims that are no JSON", forge(header, "{", keys.gate), /not JSON/],
    ["deep nesting", forge(header, `${"[".repeat(5000)}${"]".repeat(5000)}`, keys.gate), /not JSON/],
    ["padding", `${signed({})}==`, /not base64url/],
    ["a trailing line break", `${signed({})}\n`, /not base64url/],
    ["nothing", "", /not a signed token/],
    ["four parts", `${signed({})}.x`, /not a signed token/],
    ["an encrypted token (five parts)", "a.b.c.d.e", /not a signed token/],
    ["a detached payload", signed({}).replace(/\.[^.]*\./, ".."), /not a signed token/],
    ["JSON serialization", JSON.stringify({ protected: "x", payload: "y", signature: "z" }), /not a signed token/],
    ["a megabyte", `${"A".repeat(1 << 20)}.AAAA.AAAA`, /longer than 180000/],
  ])("%s", (_name, token, expected) => expect(problem(token)).toMatch(expected));

  it("one flipped bit anywhere", () => {
    const token = signed({});
    for (let index = 0; index < token.length; index += 1) {
      const flipped = String.fromCharCode(token.charCodeAt(index) ^ 1);
      expect(problem(token.slice(0, index) + flipped + token.slice(index + 1))).not.toBeNull();
    }
  });

  it("the largest request has a pass that counts, and fits into a workload's annotations with its migrations", () => {
    const sha256s = Array.from({ length: 1000 }, (_, index) => index.toString(16).padStart(64, "0"));
    const images = sha256s.slice(0, 200).map((sha256) => `sha256:${sha256}`);
    const long = "ü".repeat(200);
    const pass = passIssuer("orders-gate", signing).issue({
      ...claims,
      sub: long,
      env: long,
      commit: long,
      images,
      migrations: sha256s,
    });
    expect(problem(pass)).toBeNull();
    expect(pass.length + sha256s.join(",").length).toBeLessThan(256 * 1024);
    expect(pass.length).toBeLessThan(passForm.longest);
  });
});

it("a pass for another service, environment, commit, image or migration says so of the workload", () => {
  const workload = {
    kind: "Job",
    name: "migrate",
    service: "orders",
    pass: "",
    commit: "9f1c2e7",
    migrations: claims.migrations,
    containers: [{ name: "migrate", image: `registry.example/orders@${digest}`, role: "container" as const }],
    held: false,
    templateDigest: "",
    runDigest: "",
  };
  const against = (changes: object, environment = "production") =>
    passProblems(workload, verifier.verify(signed(changes), monday), environment, []).map(({ message }) => message);
  expect(against({})).toEqual([]);
  expect(against({}, "staging")).toEqual(['The environment is "staging", and its pass is for "production".']);
  expect(against({ sub: "payments" })[0]).toMatch(/and its pass is for "payments"/);
  expect(against({ commit: "0000000" })[0]).toMatch(/and its pass is for "0000000"/);
  expect(against({ commit: null })[0]).toMatch(/The commit \(annotation plangate\.dev\/commit\)/);
  expect(against({ images: [] })[0]).toMatch(/is not in its pass/);
  expect(against({ migrations: [] })[0]).toMatch(/are not those of its pass/);
});

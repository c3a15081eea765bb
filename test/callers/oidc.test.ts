import { createHmac, createPublicKey } from "node:crypto";
import type { IncomingMessage } from "node:http";
import request from "supertest";
import type { BindableField } from "../../src/adapters/callers/caller-config.ts";
import { deploy, startTestGate, type TestGate, wednesdayNoon } from "../http/gate.ts";
import { newKey, startIssuer, type TestIssuer } from "./oidc-issuer.ts";
import { caller, oidc, pipelineKey, secrets } from "./world.ts";

let gate: TestGate;
let issuer: TestIssuer;
let now = new Date(wednesdayNoon);
const setTime = (at: Date) => {
  now = at;
  gate.setTime(at.toISOString());
};
const later = (seconds: number) => setTime(new Date(now.getTime() + seconds * 1000));

beforeAll(async () => {
  issuer = await startIssuer(() => now);
  gate = await startTestGate(() => ({
    callers: [
      caller("orders-ci", oidc(issuer.url), { may: new Set(["request", "read"]), services: ["orders"] }),
      caller("groups", oidc(issuer.url, { claims: new Map([["groups_direct", ["acme/dba"]]]) })),
      caller(
        "bound",
        oidc(issuer.url, {
          claims: new Map([
            ["repository_id", ["99"]],
            ["ref_protected", ["true"]],
          ]),
          body: new Map<BindableField, string | false>([
            ["commit", "sha"],
            ["service", "repository"],
            ["environment", false],
            ["requestedBy", "user_email"],
          ]),
        }),
      ),
      caller("signer", secrets(pipelineKey)),
    ],
  }));
});
afterAll(async () => {
  await gate.cleanup();
  await issuer.close();
});
/** Each test has a Wednesday of its own, so that no key is fresh from the test before. */
let weeks = 0;
beforeEach(() => {
  issuer.answer = null;
  weeks += 1;
  setTime(new Date(Date.parse(wednesdayNoon) + weeks * 7 * 86_400_000));
});

const ask = (token: string, body: object = deploy, headers: Record<string, string> = {}) =>
  request(gate.url).post("/v1/decisions").set("Authorization", `Bearer ${token}`).set(headers).send(body);

const refuses = async (token: string, detail: string | RegExp) => {
  const answer = await ask(token);
  expect(answer.body).toMatchObject({ status: 401, code: "not-authenticated", detail: expect.stringMatching(detail) });
  expect(answer.headers["www-authenticate"]).toBe("Bearer");
};

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const partsOf = (token: string) => {
  const [header = "", payload = "", signature = ""] = token.split(".");
  return { header, payload, signature };
};
const headerOf = (token: string) => JSON.parse(Buffer.from(partsOf(token).header, "base64url").toString());

it("a job's token is heard, and its actor is the requester", async () => {
  const answer = await ask(issuer.sign()).expect(200);
  expect(answer.body).toMatchObject({ decision: "approved", requestedBy: "octocat" });
});

describe("algorithms and keys", () => {
  it.each(["none", "None", "nOnE", "HS256", "RS384", "", 1, null, ["ES256"]])("alg %p", async (alg) => {
    const { payload, signature } = partsOf(issuer.sign());
    for (const mark of [signature, ""]) {
      const answer = await ask(`${base64url({ ...headerOf(issuer.sign()), alg })}.${payload}.${mark}`);
      expect(answer.body).toMatchObject({ status: 401, code: "not-authenticated" });
    }
  });

  it("an empty signature", async () => {
    const { header, payload } = partsOf(issuer.sign());
    await refuses(`${header}.${payload}.`, "not a signed JWT");
  });

  it.each(["HS256", "RS256"])("the public key as the secret of an HMAC, called %s", async (alg) => {
    const [key] = issuer.keys;
    const publicKey = createPublicKey(key?.privateKey.export({ type: "pkcs8", format: "pem" }) ?? "");
    const { payload } = partsOf(issuer.sign());
    const header = base64url({ alg, kid: key?.kid, typ: "JWT" });
    for (const secret of [publicKey.export({ type: "spki", format: "pem" }), JSON.stringify(key?.jwk)]) {
      const mark = createHmac("sha256", secret).update(`${header}.${payload}`).digest("base64url");
      const answer = await ask(`${header}.${payload}.${mark}`);
      expect(answer.body).toMatchObject({ status: 401, code: "not-authenticated" });
    }
  });

  it("a key that says RS256 is for nothing else, not for PS256 either", async () => {
    const key = newKey("rsa", { alg: "RS256" });
    issuer.keys = [...issuer.keys, key];
    await ask(issuer.sign({}, { key })).expect(200);
    const { payload, signature } = partsOf(issuer.sign({}, { key }));
    await refuses(`${base64url({ alg: "PS256", kid: key.kid })}.${payload}.${signature}`, "its key is for RS256");
  });

  it.each([
    ["RS256 to ES256 swap", "rsa", "ES256", "its key is for RS256 or PS256"],
    ["ES256 to RS256 swap", "ec", "RS256", "its key is for ES256"],
    ["ES256 to PS256 swap", "ec", "PS256", "its key is for ES256"],
  ] as const)("%s", async (_name, kind, alg, detail) => {
    const key = newKey(kind);
    issuer.keys = [...issuer.keys, key];
    const { payload, signature } = partsOf(issuer.sign({}, { key }));
    await refuses(`${base64url({ alg, kid: key.kid, typ: "JWT" })}.${payload}.${signature}`, detail);
  });

  it.each([
    ["a signature of zeros (CVE-2022-21449)", Buffer.alloc(64)],
    ["a signature of one byte", Buffer.alloc(1)],
    ["a signature in DER in place of two numbers", Buffer.from("30060201010201010000", "hex")],
  ])("%s", async (_name, signature) => {
    const { header, payload } = partsOf(issuer.sign());
    await refuses(`${header}.${payload}.${signature.toString("base64url")}`, "signature is not its issuer's");
  });

  it("one flipped bit of the signature, and padding after it", async () => {
    const { header, payload, signature } = partsOf(issuer.sign());
    const bytes = Buffer.from(signature, "base64url");
    bytes[7] = (bytes[7] ?? 0) ^ 1;
    await refuses(`${header}.${payload}.${bytes.toString("base64url")}`, "signature is not its issuer's");
    await refuses(`${header}.${payload}.${signature}=`, "does not hold|not a");
  });

  it("a certificate chain that the token brings along (x5c) is not looked at", async () => {
    const own = newKey();
    const token = issuer.sign({}, { key: { ...own, kid: issuer.keys[0]?.kid ?? "" }, header: { x5c: ["AAAA"] } });
    await refuses(token, "signature is not its issuer's");
  });

  it.each(["jwk", "jku", "x5u", "crit", "b64"])("a token that brings %s along", async (name) => {
    const own = newKey();
    const value = { jwk: own.jwk, jku: `${issuer.url}/jwks`, x5u: issuer.url, crit: ["exp"], b64: false }[name];
    await refuses(issuer.sign({}, { header: { [name]: value } }), name);
  });

  it("somebody else's key under the issuer's kid", async () => {
    const kid = issuer.keys[0]?.kid ?? "";
    await refuses(issuer.sign({}, { key: { ...newKey(), kid } }), "signature is not its issuer's");
  });

  it.each([
    "../../../../etc/passwd",
    "' OR 1=1 --",
    "__proto__",
    "constructor",
    "http://169.254.169.254/",
    "x".repeat(256),
  ])("kid %# (a path, SQL, a prototype's name, a URL, a long one)", async (kid) => {
    await refuses(issuer.sign({}, { header: { kid } }), "a key that its issuer does not have");
  });

  it.each([[["a"]], [{}], [7], [null], [""], ["x".repeat(257)]])("kid %# (no text, none, too long)", async (kid) => {
    const { payload, signature } = partsOf(issuer.sign());
    await refuses(`${base64url({ alg: "ES256", kid })}.${payload}.${signature}`, "not accepted");
  });

  it("duplicate claims", async () => {
    const { header, signature } = partsOf(issuer.sign());
    const payload = Buffer.from(`{"iss":"${issuer.url}","aud":"x","aud":"plangate"}`).toString("base64url");
    await refuses(`${header}.${payload}.${signature}`, "not a JWT");
  });

  it.each(["", "a", "a.b", "a.b.c", "a.b.c.d", "ey.ey.ey", `${"a".repeat(20_000)}.b.c`, "%00.b.c"])(
    "what is no token (%#)",
    async (text) => {
      const answer = await ask(text);
      expect([400, 401, 431]).toContain(answer.status);
    },
  );

  it.each(["Basic dXNlcjpwYXNz", "bearer", "Token abc", "Bearer a b"])("Authorization: %s", async (value) => {
    await request(gate.url).post("/v1/decisions").set("Authorization", value).send(deploy).expect(401);
  });
});

describe("claims", () => {
  it.each([
    ["another audience", { aud: "https://github.com/acme" }],
    ["a prefix of the audience", { aud: "plan" }],
    ["an audience that begins with it", { aud: "plangate.evil.example" }],
    ["another case", { aud: "Plangate" }],
    ["several audiences", { aud: ["plangate", "vault"] }],
    ["an array of arrays", { aud: [["plangate"]] }],
    ["no audience", { aud: undefined }],
    ["an empty array", { aud: [] }],
  ])("aud: %s", async (_name, claims) => {
    await refuses(issuer.sign(claims), "not made for this gate");
  });

  it("aud: an array of the gate alone is the gate", async () => {
    await ask(issuer.sign({ aud: ["plangate"] })).expect(200);
  });

  it.each([
    ["a trailing slash", (url: string) => `${url}/`],
    ["another case", (url: string) => url.replace("http", "HTTP")],
    ["another issuer", () => "https://token.actions.githubusercontent.com"],
    ["a longer one", (url: string) => `${url}.evil.example`],
    ["an array", (url: string) => [url]],
    ["none", () => undefined],
  ])("iss: %s", async (_name, change) => {
    const before = issuer.asked.length;
    await refuses(issuer.sign({ iss: change(issuer.url) }), "iss|issuer");
    expect(issuer.asked.length).toBe(before);
  });

  const seconds = () => Math.floor(now.getTime() / 1000);
  it.each([
    ["expired", () => ({ exp: seconds() - 31 }), "expired"],
    ["no exp", () => ({ exp: undefined }), "exp"],
    ["exp as text", () => ({ exp: String(seconds() + 60) }), "exp|does not hold"],
    ["not valid yet", () => ({ nbf: seconds() + 31 }), "not valid yet"],
    ["nbf as text", () => ({ nbf: "0" }), "nbf"],
    ["iat in the future", () => ({ iat: seconds() + 31 }), "in the future"],
    ["no iat", () => ({ iat: undefined }), "iat"],
    ["iat as text", () => ({ iat: "0" }), "iat"],
    ["valid for a year", () => ({ exp: seconds() + 365 * 86_400 }), "more than 24 hours"],
  ])("times: %s", async (_name, claims, detail) => {
    await refuses(issuer.sign(claims()), detail);
  });

  it("times: the clocks may differ by 30 s", async () => {
    await ask(issuer.sign({ iat: seconds() + 29, nbf: seconds() + 29 })).expect(200);
    await ask(issuer.sign({ exp: seconds() - 29 })).expect(200);
  });

  it.each([
    ["another repository", { repository_id: "75" }],
    ["a repository that begins with it", { repository_id: "740" }],
    ["none", { repository_id: undefined }],
    ["an object", { repository_id: { toString: "74" } }],
    ["null", { repository_id: null }],
    ["the repository in `sub` alone", { repository_id: undefined, sub: "repo:acme/orders:repository_id:74" }],
  ])("configured claims: %s", async (_name, claims) => {
    await refuses(issuer.sign(claims), "claims are no caller's");
  });

  it("configured claims: a number is its digits, and of a list one element must be there", async () => {
    await ask(issuer.sign({ repository_id: 74 })).expect(200);
    await ask(issuer.sign({ repository_id: undefined, groups_direct: ["acme", "acme/dba"] })).expect(200);
    await refuses(issuer.sign({ repository_id: undefined, groups_direct: ["acme/dba/x", "acme"] }), "no caller's");
  });

  it("a token of several callers names one", async () => {
    const token = issuer.sign({ groups_direct: ["acme/dba"] });
    await refuses(token, "plangate-caller");
    await ask(token, deploy, { "plangate-caller": "groups" }).expect(200);
  });

  it("an override's token is no caller's, whoever signs it", async () => {
    await refuses(issuer.sign({}, { header: { typ: "plangate-override+jwt" } }), "typ");
    await refuses(issuer.sign({}, { header: { typ: "plangate-approval+jwt" } }), "typ");
  });

  it("a caller's token is no override and no approval", async () => {
    const token = issuer.sign();
    const answer = await ask(issuer.sign(), { ...deploy, overrides: [token], approvals: [token] }).expect(200);
    expect(answer.body.warnings.filter((warning: string) => warning.includes("does not count"))).toHaveLength(2);
  });
});

describe("token and body agree", () => {
  const forbidden = async (token: string, body: object, detail: string, headers = {}) => {
    const answer = await ask(token, body, headers).expect(403);
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    expect(answer.body).toMatchObject({ code: "not-permitted", detail: expect.stringContaining(detail) });
  };

  it("environment other than the token's", async () => {
    await forbidden(issuer.sign({ environment: "staging" }), deploy, `environment is "staging"`);
  });

  it("service other than the caller's", async () => {
    await forbidden(issuer.sign(), { ...deploy, service: "billing" }, "may not ask about");
  });

  it("requestedBy other than the token's actor", async () => {
    await forbidden(issuer.sign(), { ...deploy, requestedBy: "dba@example.com" }, `"octocat" has authenticated`);
    await ask(issuer.sign(), { ...deploy, requestedBy: "octocat" }).expect(200);
  });

  it("repository and commit, where they are bound", async () => {
    const claims = { repository_id: "99", ref_protected: "true", repository: "orders", user_email: "dev@example.com" };
    const answer = await ask(issuer.sign({ ...claims, environment: "x" }), deploy).expect(200);
    expect(answer.body.requestedBy).toBe("dev@example.com");
    await forbidden(issuer.sign(claims), { ...deploy, commit: "0ther" }, `commit is "9f1c2e7"`);
    await forbidden(issuer.sign(claims), { ...deploy, commit: undefined }, "does not have one");
    await forbidden(issuer.sign({ ...claims, repository: "billing" }), deploy, `service is "billing"`);
    await refuses(issuer.sign({ ...claims, sha: undefined }), "no claim sha");
    await refuses(issuer.sign({ ...claims, ref_protected: "false" }), "no caller's");
    await ask(issuer.sign({ ...claims, ref_protected: true }), deploy).expect(200);
  });

  it("the same Idempotency-Key for another requester is another request", async () => {
    const headers = { "Idempotency-Key": "deploy-1" };
    await ask(issuer.sign(), deploy, headers).expect(200);
    await ask(issuer.sign(), deploy, headers).expect(200);
    await ask(issuer.sign({ actor: "mallory" }), deploy, headers).expect(422);
  });

  it("the caller's permissions", async () => {
    const bearer = `Bearer ${issuer.sign()}`;
    await request(gate.url).post("/v1/evidence?database=a").set("Authorization", bearer).send([]).expect(403);
    const list = "/v1/decisions?service=orders&environment=production";
    await request(gate.url).get(list).set("Authorization", bearer).expect(200);
    await request(gate.url).get("/v1/decisions").set("Authorization", bearer).expect(403);
    const approvals = [{ by: "dba@example.com", of: "query-plans" }];
    const answer = await ask(issuer.sign(), { ...deploy, approvals }).expect(200);
    expect(answer.body.warnings.join()).toContain("the caller orders-ci may not vouch");
  });
});

describe("keys of the issuer", () => {
  it("an unknown-kid flood asks the issuer once, and those who are known do not wait", async () => {
    await ask(issuer.sign()).expect(200);
    later(60);
    const before = issuer.asked.length;
    const stranger = newKey();
    const flood = await Promise.all(Array.from({ length: 50 }, () => ask(issuer.sign({}, { key: stranger }))));
    expect(new Set(flood.map(({ status }) => status))).toEqual(new Set([401]));
    expect(issuer.asked.slice(before)).toEqual(["/.well-known/openid-configuration", "/jwks"]);
    await ask(issuer.sign()).expect(200);
  });

  it("a rotated key counts at once, one that was taken back no longer after ten minutes", async () => {
    await ask(issuer.sign()).expect(200);
    later(60);
    const [old] = issuer.keys;
    const fresh = newKey();
    issuer.keys = [fresh];
    await ask(issuer.sign({}, { key: fresh })).expect(200);
    await refuses(issuer.sign({}, { key: old }), "a key that its issuer does not have");
    issuer.keys = [newKey()];
    later(600);
    await refuses(issuer.sign({}, { key: fresh }), "a key that its issuer does not have");
  });

  it("an issuer that is down: known keys count for an hour, then nothing is decided", async () => {
    await ask(issuer.sign()).expect(200);
    issuer.answer = (_request, response) => void response.writeHead(500).end();
    later(1200);
    await ask(issuer.sign()).expect(200);
    later(3600);
    const answer = await ask(issuer.sign()).expect(503);
    expect(answer.body).toMatchObject({ code: "issuer-unavailable" });
    issuer.answer = null;
    later(10);
    await ask(issuer.sign()).expect(200);
  });

  it("an issuer that does not answer at all holds up the first request alone", async () => {
    await ask(issuer.sign()).expect(200);
    const held: IncomingMessage[] = [];
    issuer.answer = (incoming) => void held.push(incoming);
    later(1200);
    await ask(issuer.sign()).expect(200);
    expect(held).toMatchObject([{ destroyed: true }]);
    later(10);
    await ask(issuer.sign()).expect(200);
    expect(held).toMatchObject([{ destroyed: true }, { destroyed: false }]);
  });

  it.each<[string, TestIssuer["answer"]]>([
    ["redirects", (_request, response) => void response.writeHead(302, { location: "http://169.254.169.254/" }).end()],
    ["sends no JSON", (_request, response) => void response.end("<html>")],
    ["sends too much", (_request, response) => void response.end(" ".repeat(2 * 1024 * 1024))],
    ["hangs up", (incoming) => void incoming.socket.destroy()],
    ["calls itself otherwise", (_request, response) => void response.end('{"issuer":"x","jwks_uri":"x"}')],
    [
      "sends the gate elsewhere",
      (_request, response) => {
        response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: "http://169.254.169.254/latest/meta-data" }));
      },
    ],
    [
      "sends no keys",
      (incoming, response) => {
        const isKeys = incoming.url === "/jwks";
        response.end(JSON.stringify(isKeys ? { keys: "all" } : issuer.discovery));
      },
    ],
  ])("an issuer that %s", async (_name, answer) => {
    const before = issuer.asked.length;
    issuer.answer = answer;
    expect((await ask(issuer.sign())).body).toMatchObject({ status: 503, code: "issuer-unavailable" });
    await ask(issuer.sign()).expect(503);
    expect(issuer.asked.length - before).toBeLessThanOrEqual(2);
    issuer.answer = null;
    later(10);
    await ask(issuer.sign({}, { at: now })).expect(200);
  });

  it("keys that cannot be used leave the others alone", async () => {
    const good = newKey("rsa");
    const broken = [
      { kty: "oct", k: "c2VjcmV0", kid: "secret" },
      { kty: "RSA", n: "AQAB", e: "AQAB", kid: "short" },
      { kty: "EC", crv: "P-256", x: "AA", y: "AA", kid: "off-curve" },
      { ...newKey().jwk, use: "enc", kid: "enc" },
      null,
      "key",
    ];
    issuer.keys = [...broken.map((jwk, index) => ({ ...good, kid: `broken-${index}`, jwk: jwk as object })), good];
    await ask(issuer.sign({}, { key: good })).expect(200);
    for (const kid of ["secret", "short", "off-curve", "enc"]) {
      await refuses(issuer.sign({}, { key: good, header: { kid } }), "does not have");
    }
    issuer.keys = [good];
  });
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, loadConfigFile } from "../../src/adapters/config/config.ts";
import { tokenForms } from "../../src/adapters/tokens/claims.ts";
import { signToken } from "../../src/adapters/tokens/sign-token.ts";
import { parseDeployRequest, requestDigest } from "../../src/core/request.ts";
import { cli } from "../cli/run.ts";
import { startTestGate, type TestGate } from "../http/gate.ts";
import { ecKeys, forge, type KeyPair, pem, rsaKeys } from "../tokens/forge.ts";

/** Approvers whose keys are published as a JWK Set (`jwksUrl`), as a key management service does it. */

/** Friday: the window for deploys is closed. */
let now = new Date("2026-03-13T12:00:00Z");
const deploy = { service: "orders", environment: "production", requestedBy: "dev@example.com" };
const keys = { dba: ecKeys(), lead: ecKeys(), rsa: rsaKeys(), file: ecKeys(), stranger: ecKeys() };

type Jwk = Record<string, unknown>;
const jwk = (pair: KeyPair, kid: string, more: Jwk = {}): Jwk => ({
  ...pair.publicKey.export({ format: "jwk" }),
  kid,
  use: "sig",
  ...more,
});

let published: unknown[];
let asked: number;
let answer: ((incoming: IncomingMessage, response: ServerResponse) => void) | null;
let server: Server;
let folder: string;
let gate: TestGate;
let yaml: string;
beforeAll(async () => {
  server = createServer((incoming, response) => {
    asked += 1;
    if (answer !== null) return answer(incoming, response);
    response.end(JSON.stringify({ keys: published }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  folder = mkdtempSync(join(tmpdir(), "plangate-jwks-"));
  writeFileSync(join(folder, "file.pem"), pem(keys.file.publicKey));
  const entry = (name: string, algorithm: string, key: string) =>
    `  - { subject: ${name}@example.com, kid: ${name}-2026, algorithm: ${algorithm}, ${key}, mayApprove: true, mayWaive: [change-window, human-review] }`;
  yaml = [
    "gate: { name: orders-gate }",
    "approvers:",
    entry("dba", "ES256", `jwksUrl: "${url}"`),
    entry("lead", "ES256", `jwksUrl: "${url}"`),
    entry("rsa", "PS256", `jwksUrl: "${url}"`),
    entry("file", "ES256", "publicKeyFile: file.pem"),
    "overrides: { quorum: { human-review: 2 } }",
    "",
  ].join("\n");
  writeFileSync(join(folder, "plangate.yaml"), yaml);
  const { approvers } = loadConfigFile(join(folder, "plangate.yaml"), {});
  gate = await startTestGate(() => ({ approvers }));
});
afterAll(async () => {
  await gate.cleanup();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Each test has a Friday of its own, so that no key is known from the test before. */
beforeEach(() => {
  later(7 * 86_400);
  answer = null;
  asked = 0;
  published = [jwk(keys.dba, "dba-2026"), jwk(keys.lead, "lead-2026"), jwk(keys.rsa, "rsa-2026", { alg: "PS256" })];
});
function later(seconds: number): void {
  now = new Date(now.getTime() + seconds * 1000);
  gate?.setTime(now.toISOString());
}

let counter = 0;
const fresh = () => {
  counter += 1;
  return { ...deploy, commit: `c${counter}` };
};
interface Signing {
  by?: string;
  kid?: string;
  rules?: string[];
  key?: KeyPair;
  algorithm?: "ES256" | "PS256" | "RS256";
}
function override(
  request: object,
  { by = "dba", kid = `${by}-2026`, rules = ["change-window"], key = keys.dba, algorithm = "ES256" }: Signing = {},
): string {
  counter += 1;
  const iat = Math.floor(now.getTime() / 1000);
  const claims = {
    iss: `${by}@example.com`,
    sub: `${by}@example.com`,
    aud: "orders-gate",
    iat,
    nbf: iat,
    exp: iat + 600,
    jti: `jti-${counter}`,
    req: requestDigest(parseDeployRequest(request).request),
    env: "production",
    rules,
    reason: "It is needed now",
  };
  return signToken(tokenForms.override, claims, { privateKey: key.privateKey, algorithm, kid });
}
const send = async (request: object, ...overrides: string[]) =>
  (await gate.post("/v1/decisions?mode=json", { ...request, overrides }).expect(200)).body;
const refused = async (signing: Signing, why: string) => {
  const request = fresh();
  const decision = await send(request, override(request, signing));
  expect(decision).toMatchObject({ allowed: false, overrides: [] });
  expect(decision.warnings).toEqual([`The override does not count: ${why}.`]);
};
const counts = async (signing: Signing = {}) => {
  const request = fresh();
  expect(await send(request, override(request, signing))).toMatchObject({ allowed: true, warnings: [] });
};

it("a token by a published key counts; the set is read once for many", async () => {
  await counts();
  await counts({ by: "lead", key: keys.lead });
  await counts({ by: "rsa", key: keys.rsa, algorithm: "PS256" });
  expect(asked).toBe(1);
});

it("many tokens at once wait for one reading", async () => {
  await Promise.all(Array.from({ length: 20 }, () => counts()));
  expect(asked).toBe(1);
});

it("nobody is asked for tokens by a key in a file, or without tokens", async () => {
  await counts({ by: "file", key: keys.file });
  await send(fresh());
  expect(asked).toBe(0);
});

describe("which key counts", () => {
  it.each<[string, () => unknown[], string]>([
    ["none of that kid", () => [jwk(keys.dba, "dba-2025")], "its key dba-2026 is not among the keys at its URL"],
    [
      "no kid at all",
      () => [{ ...jwk(keys.dba, ""), kid: undefined }],
      "its key dba-2026 is not among the keys at its URL",
    ],
    [
      "another key of that kid",
      () => [jwk(keys.stranger, "dba-2026")],
      "its signature is not that of the key dba-2026",
    ],
    [
      "an RSA key of that kid",
      () => [jwk(keys.rsa, "dba-2026")],
      "its key dba-2026 is for RS256 or PS256, and the configuration says ES256",
    ],
    [
      "a key for encryption",
      () => [jwk(keys.dba, "dba-2026", { use: "enc" })],
      "its key dba-2026 is not among the keys at its URL",
    ],
    [
      "a key that may not verify",
      () => [jwk(keys.dba, "dba-2026", { key_ops: ["encrypt"] })],
      "its key dba-2026 is not among the keys at its URL",
    ],
    [
      "a key for another algorithm",
      () => [jwk(keys.dba, "dba-2026", { alg: "ES384" })],
      "its key dba-2026 is not among the keys at its URL",
    ],
    [
      "a secret of that kid",
      () => [{ kty: "oct", k: "c2VjcmV0", kid: "dba-2026" }],
      "its key dba-2026 is not among the keys at its URL",
    ],
    [
      "a key of somebody else, whose key is in a file",
      () => [jwk(keys.file, "dba-2026")],
      "its key dba-2026 is also file@example.com's",
    ],
    ["nothing", () => [], "its key dba-2026 is not among the keys at its URL"],
  ])("the set has %s", async (_name, set, why) => {
    published = set();
    await refused({ key: why.includes("also") ? keys.file : keys.dba }, why);
  });

  it("an RSA key that says RS256 does not verify PS256", async () => {
    published = [jwk(keys.rsa, "rsa-2026", { alg: "RS256" })];
    await refused(
      { by: "rsa", key: keys.rsa, algorithm: "PS256" },
      "its key rsa-2026 is for RS256, and the configuration says PS256",
    );
  });

  it("one key under two people's kids is no quorum", async () => {
    published = [jwk(keys.dba, "dba-2026"), jwk(keys.dba, "lead-2026")];
    const request = { ...fresh(), migrations: [{ path: "a.sql", sql: "CREATE TABLE a (id bigint);" }] };
    const both = ["dba", "lead"].map((by) => override(request, { by, rules: ["human-review"] }));
    const decision = await send(request, ...both);
    expect(decision).toMatchObject({ allowed: false, overrides: [] });
    expect(decision.warnings).toEqual([
      "Override 1 of 2 does not count: its key dba-2026 is also lead@example.com's.",
      "Override 2 of 2 does not count: its key lead-2026 is also dba@example.com's.",
    ]);
  });
});

describe("rotation", () => {
  it("a key that was taken back no longer counts after ten minutes, and its successor at once", async () => {
    await counts();
    published = [jwk(keys.stranger, "dba-2026")];
    later(601);
    await refused({}, "its signature is not that of the key dba-2026");
    await counts({ key: keys.stranger });
  });

  it("a key that was published later counts after half a minute", async () => {
    const [dba, ...others] = published;
    published = others;
    await refused({}, "its key dba-2026 is not among the keys at its URL");
    published = [dba, ...others];
    await refused({}, "its key dba-2026 is not among the keys at its URL");
    later(31);
    await counts();
    expect(asked).toBe(2);
  });
});

describe("floods lead to no more readings", () => {
  it("unknown kids, forged kids, tokens of another form: none at all", async () => {
    const request = fresh();
    const header = { alg: "ES256", typ: "plangate-override+jwt", kid: "dba-2026" };
    const floods = [
      ...Array.from({ length: 50 }, (_, n) => override(request, { kid: `unknown-${n}` })),
      forge({ ...header, alg: "RS256" }, {}, keys.rsa, "RS256"),
      forge({ ...header, kid: "__proto__" }, {}, keys.dba),
      forge({ ...header, jku: "https://attacker.example" }, {}, keys.dba),
      forge(header, { iss: "dba@example.com" }, keys.dba),
      "not a token",
    ];
    expect((await send(request, ...floods)).overrides).toEqual([]);
    expect(asked).toBe(0);
  });

  it("signatures that do not hold, with a kid that the set does not have: one in half a minute", async () => {
    published = [];
    for (let n = 0; n < 20; n += 1)
      await refused({ key: keys.stranger }, "its key dba-2026 is not among the keys at its URL");
    expect(asked).toBe(1);
  });
});

describe("keys that cannot be read", () => {
  const cannot = "its key dba-2026 cannot be fetched now, so nobody can say whether the signature holds";
  it.each<[string, NonNullable<typeof answer>]>([
    ["an error", (_incoming, response) => void response.writeHead(500).end()],
    ["a redirect", (_incoming, response) => void response.writeHead(302, { location: "/elsewhere" }).end()],
    ["no JSON", (_incoming, response) => void response.end("<html>")],
    ["too much", (_incoming, response) => void response.end(" ".repeat(2 * 1024 * 1024))],
    [
      "more keys than anybody has",
      (_incoming, response) => void response.end(JSON.stringify({ keys: Array(101).fill({}) })),
    ],
    ["nothing", (incoming) => void incoming.socket.destroy()],
  ])("%s: the token does not count, others do, and it is tried again", async (_name, how) => {
    answer = how;
    const request = fresh();
    const decision = await send(request, override(request), override(request, { by: "file", key: keys.file }));
    expect(decision).toMatchObject({ allowed: true, overrides: [{ by: "file@example.com" }] });
    expect(decision.warnings).toEqual([`Override 1 of 2 does not count: ${cannot}.`]);
    await refused({}, cannot);
    expect(asked).toBe(1);
    answer = null;
    later(6);
    await counts();
  });

  it("known keys count for an hour, and then no longer", async () => {
    await counts();
    answer = (_incoming, response) => void response.writeHead(500).end();
    later(3_000);
    await counts();
    later(3_600);
    await refused({}, cannot);
  });
});

it("plangate check and override inspect ask no URL, and say so", async () => {
  const request = fresh();
  const token = override(request);
  writeFileSync(join(folder, "request.json"), JSON.stringify({ ...request, overrides: [token] }));
  const options = { cwd: folder, now: now.toISOString() };
  const why = "its key dba-2026 is at a URL (jwksUrl), which the gate alone asks";
  const inspected = await cli(["override", "inspect", token, "--request", "request.json"], options);
  expect(inspected).toMatchObject({ code: 2, stdout: expect.stringContaining(`FAILED  ${why}`) });
  const policies = join(__dirname, "policies");
  const checked = await cli(
    ["check", "--request", "request.json", "--policies", policies, "--format", "json"],
    options,
  );
  expect(JSON.parse(checked.stdout).warnings).toContain(`The override does not count: ${why}.`);
  expect(asked).toBe(0);
});

it("the entry that docs/override.md shows is valid", () => {
  const page = readFileSync(join(__dirname, "../../docs/override.md"), "utf8");
  const [, block = ""] = /```yaml\n([^`]*jwksUrl: "[^`]*)```/.exec(page) ?? [];
  expect([...loadConfig(block, "/srv/plangate.yaml", {}).approvers.byKid.keys()]).toEqual(["lead-2026"]);
});

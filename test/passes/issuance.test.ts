import { createPublicKey } from "node:crypto";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jwt from "jsonwebtoken";
import { loadConfigFile } from "../../src/adapters/config/config.ts";
import { passVerifier } from "../../src/adapters/passes/passes.ts";
import { sha256Hex } from "../../src/core/digest.ts";
import { passClaimsSchema } from "../../src/core/pass.ts";
import { cli } from "../cli/run.ts";
import { startTestGate, type TestGate, wednesdayNoon } from "../http/gate.ts";
import { type People, people } from "../override/people.ts";
import { pem } from "../tokens/forge.ts";

/** The policies' window is closed, and a freeze covers the day. */
const friday = "2026-03-13T12:00:00.000Z";
const digest = `sha256:${"c".repeat(64)}`;
const deploy = { service: "orders", environment: "production", requestedBy: "dev@example.com" };
const migration = { path: "a.sql", sql: "ALTER TABLE orders ADD COLUMN note text;" };
const approvals = [{ by: "dba@example.com", of: "query-plans" }];

let folder: string;
let gate: TestGate;
let team: People;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "plangate-passes-"));
  team = people(folder, ["change-window", "freeze"], "dba");
  writeFileSync(join(folder, "plangate.yaml"), team.yaml);
  const { approvers, gate: named } = loadConfigFile(join(folder, "plangate.yaml"), {});
  gate = await startTestGate((config) => ({ approvers, gate: { ...config.gate, name: named.name } }));
  writeFileSync(
    join(gate.policyDirectory, "fridays.yaml"),
    `version: 1
policy: no-fridays
appliesTo: { environments: [production], changes: [deploy] }
enforcement: deny
changeWindow:
  timeZone: Etc/UTC
  freeze: [{ from: 2026-03-13, to: 2026-03-13, reason: Audit }]
`,
  );
  await gate.reloadPolicies();
});
afterAll(async () => {
  await gate.cleanup();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => gate.setTime(wednesdayNoon));

let counter = 0;
/** A commit that no other test has deployed. */
const fresh = <Request extends object>(request: Request) => {
  counter += 1;
  return { ...request, commit: `c${counter}` };
};
const send = async (request: object) => (await gate.post("/v1/decisions?mode=json", request).expect(200)).body;
const keySet = async () => (await gate.get("/.well-known/jwks.json").expect(200)).body;
/** As somebody else reads a pass: with the published keys and another library's checks. */
const claimsOf = async (pass: string) => {
  const { kid } = jwt.decode(pass, { complete: true })?.header ?? {};
  const jwk = (await keySet()).keys.find((key: { kid: string }) => key.kid === kid);
  const options = { algorithms: [jwk.alg], audience: "plangate-admission", issuer: "orders-gate" };
  const clockTimestamp = Date.parse(wednesdayNoon) / 1000;
  return passClaimsSchema.parse(
    jwt.verify(pass, createPublicKey({ key: jwk, format: "jwk" }), { ...options, clockTimestamp }),
  );
};
const seconds = (instant: string) => Math.floor(Date.parse(instant) / 1000);

describe("an approval carries a pass", () => {
  it("which says what was approved, and ends when the approval does", async () => {
    const request = { ...fresh(deploy), images: [`registry.example/orders@${digest}`] };
    const decision = await send(request);
    expect(decision).toMatchObject({ allowed: true, warnings: [] });
    expect(await claimsOf(decision.pass)).toEqual({
      iss: "orders-gate",
      aud: "plangate-admission",
      sub: "orders",
      env: "production",
      commit: request.commit,
      images: [digest],
      migrations: [],
      dec: decision.id,
      iat: seconds(wednesdayNoon),
      nbf: seconds(wednesdayNoon),
      exp: seconds(decision.notAfter),
      changes: ["deploy"],
      durationMs: 600_000,
      rollback: false,
      waivedFreezes: [],
    });
    expect(jwt.decode(decision.pass, { complete: true })?.header).toEqual({
      alg: "ES256",
      typ: "plangate-pass+jwt",
      kid: expect.stringMatching(/^gate-[0-9a-f]{16}$/),
    });
  });

  it("with its migrations in their order and the kinds of change that the policies judged", async () => {
    const index = { path: "b.sql", sql: "DROP INDEX idx_orders_note;" };
    const { pass } = await send({ ...fresh(deploy), migrations: [migration, index], approvals });
    expect(await claimsOf(pass)).toMatchObject({
      migrations: [sha256Hex(migration.sql), sha256Hex(index.sql)],
      changes: ["schema", "index-drop"],
    });
  });

  it("which ends at the last moment that fits, where that comes before the lease's end", async () => {
    gate.setTime("2026-03-11T17:30:00.500Z");
    const { pass, notAfter } = await send(fresh(deploy));
    expect(notAfter).toBe("2026-03-11T17:50:00.000Z");
    expect(jwt.decode(pass)).toMatchObject({
      nbf: seconds("2026-03-11T17:30:00Z"),
      exp: seconds("2026-03-11T17:50:00Z"),
    });
  });

  it("which names the freeze that an override waived, and no other", async () => {
    gate.setTime(friday);
    const request = fresh(deploy);
    const overrides = [team.override("dba", request, { rules: ["change-window", "freeze"] }, new Date(friday))];
    const { pass } = await send({ ...request, overrides });
    expect(jwt.decode(pass)).toMatchObject({
      waivedFreezes: [{ policy: "no-fridays", start: "2026-03-13T00:00:00.000Z", end: "2026-03-14T00:00:00.000Z" }],
    });
  });

  it("which says that windows do not hold up a rollback to an approved commit", async () => {
    const { commit } = await send(fresh(deploy));
    gate.setTime(friday);
    const { allowed, pass } = await send({ ...deploy, action: "rollback", commit });
    expect(allowed).toBe(true);
    expect(jwt.decode(pass)).toMatchObject({ rollback: true, exp: seconds(friday) + 3600 });
  });

  it("the same one for the same Idempotency-Key, and in the stored decision", async () => {
    const request = fresh(deploy);
    const ask = () => gate.post("/v1/decisions", request).set("Idempotency-Key", "pass-1").expect(200);
    const [first, second] = [(await ask()).body, (await ask()).body];
    expect(second.pass).toBe(first.pass);
    expect((await gate.get(`/v1/decisions/${first.id}`).expect(200)).body.pass).toBe(first.pass);
  });

  it("which the gate's own verifier takes until it ends", async () => {
    const { pass } = await send(fresh(deploy));
    const [jwk] = (await keySet()).keys;
    const publicKey = createPublicKey({ key: jwk, format: "jwk" });
    const verifier = passVerifier("orders-gate", [{ kid: jwk.kid, algorithm: "ES256", publicKey }]);
    expect(verifier.verify(pass, new Date(wednesdayNoon)).problem).toBeNull();
    expect(verifier.verify(pass, new Date("2026-03-11T13:00:01Z")).problem).toBe(
      "it ended at 2026-03-11T13:00:00.000Z",
    );
  });
});

describe("images that are not named by their digest", () => {
  it.each([
    ["a tag", "registry.example/orders:1.2.3"],
    ["nothing but a name", "registry.example/orders"],
    ["a digest that is cut off", "registry.example/orders@sha256:c0ffee"],
    ["a digest of another kind", `registry.example/orders@sha512:${"c".repeat(128)}`],
    ["something behind the digest", `registry.example/orders@${digest}:latest`],
  ])("%s: approved, with a warning, and not in the pass", async (_name, image) => {
    const { allowed, pass, warnings } = await send({ ...fresh(deploy), images: [`a@${digest}`, image] });
    expect({ allowed, warnings }).toEqual({
      allowed: true,
      warnings: [
        `The pass cannot vouch for "${image}": a tag can be moved to another image. Name it by its digest (image@sha256:…).`,
      ],
    });
    expect(await claimsOf(pass)).toMatchObject({ images: [digest] });
  });
});

describe("nothing else carries a pass", () => {
  it("a rejection", async () => {
    expect(await send({ ...fresh(deploy), migrations: [migration], images: ["a:1"] })).toMatchObject({
      allowed: false,
      pass: null,
      warnings: [],
    });
  });
  it("an approval that broken policies take back", async () => {
    appendFileSync(join(gate.policyDirectory, "fridays.yaml"), "nonsense: true\n");
    await gate.reloadPolicies();
    gate.setTime("2026-03-12T12:00:01.000Z");
    const decision = await send(fresh(deploy));
    expect(decision.findings.filter(({ outcome }: { outcome: string }) => outcome !== "pass")).toMatchObject([
      { ruleId: "stale-policies" },
    ]);
    expect(decision).toMatchObject({ allowed: false, pass: null });
  });
  it("plangate check, which has no key", async () => {
    const file = join(folder, "request.json");
    writeFileSync(file, JSON.stringify({ ...deploy, commit: "c0" }));
    const policies = join(__dirname, "../http/policies");
    const args = ["check", "--request", file, "--policies", policies, "--at", wednesdayNoon, "--format", "json"];
    expect(JSON.parse((await cli(args)).stdout)).toMatchObject({ allowed: true, pass: null });
  });
});

it("the key set is public, may be kept for five minutes and is in the API's description", async () => {
  const answer = await gate.get("/.well-known/jwks.json").expect(200);
  expect(answer.headers["cache-control"]).toBe("public, max-age=300");
  expect(answer.headers["content-type"]).toMatch(/^application\/json/);
  const [jwk, ...others] = answer.body.keys;
  expect(others).toEqual([]);
  expect(Object.keys(jwk).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
  expect(pem(createPublicKey({ key: jwk, format: "jwk" }))).toContain("BEGIN PUBLIC KEY");
  const { paths } = (await gate.get("/openapi.json").expect(200)).body;
  expect(paths["/.well-known/jwks.json"].get.security).toEqual([]);
});

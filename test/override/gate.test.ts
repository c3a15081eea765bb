import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfigFile } from "../../src/adapters/config/config.ts";
import { openStore } from "../../src/adapters/store/store.ts";
import { startTestGate, type TestGate } from "../http/gate.ts";
import { query } from "../support/postgres-server.ts";
import { type People, people } from "./people.ts";

/** Friday: the window for deploys is closed. */
const friday = new Date("2026-03-13T12:00:00Z");
const wednesday = new Date("2026-03-11T12:00:00Z");
const deploy = { service: "orders", environment: "production", requestedBy: "dev@example.com" };
const schema = {
  ...deploy,
  migrations: [{ path: "a.sql", sql: "ALTER TABLE orders ADD COLUMN note text;" }],
};

let folder: string;
let gate: TestGate;
let team: People;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "plangate-override-"));
  team = people(folder, ["change-window", "human-review", "concurrent-index"], "dba", "oncall", "lead");
  const config = join(folder, "plangate.yaml");
  writeFileSync(config, team.yaml);
  appendFileSync(config, "overrides: { quorum: { human-review: 2 } }\nrevoked: { jtis: [lost] }\n");
  const { approvers } = loadConfigFile(config, {});
  gate = await startTestGate(() => ({ approvers }));
});
afterAll(async () => {
  await gate.cleanup();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => gate.setTime(friday.toISOString()));

let counter = 0;
/** A request that no other test has used. */
const fresh = <Request extends object>(request: Request) => {
  counter += 1;
  return { ...request, commit: `c${counter}` };
};
const send = async (request: object) => (await gate.post("/v1/decisions?mode=json", request).expect(200)).body;
const waivers = ({ findings }: { findings: { ruleId: string; waivedBy: string | null }[] }) =>
  findings.filter(({ waivedBy }) => waivedBy !== null).map(({ ruleId, waivedBy }) => `${ruleId}: ${waivedBy}`);
const consumed = async (...jtis: string[]) =>
  (
    await query(gate.database.url, "SELECT jti FROM plangate.consumed_overrides WHERE jti = ANY ($1) ORDER BY jti", [
      jtis,
    ])
  ).map(({ jti }) => jti);

describe("a token is used up by the approval that it brings about, and by nothing else", () => {
  it("is used up by that approval", async () => {
    const request = fresh(deploy);
    const overrides = [team.override("dba", request, { rules: ["change-window"], jti: "brings-it" }, friday)];
    const decision = await send({ ...request, overrides });
    expect(decision).toMatchObject({ allowed: true, withoutOverrides: "rejected", warnings: [] });
    expect(waivers(decision)).toEqual(["change-window: brings-it"]);
    expect(await consumed("brings-it")).toEqual(["brings-it"]);
  });

  it("not by a request that is approved without it", async () => {
    gate.setTime(wednesday.toISOString());
    const request = fresh(deploy);
    const token = team.override("dba", request, { jti: "not-needed" }, wednesday);
    const decision = await send({ ...request, overrides: [token] });
    expect(decision).toMatchObject({
      allowed: true,
      withoutOverrides: "approved",
      overrides: [{ jti: "not-needed", consumed: false }],
      warnings: ["The override not-needed by dba@example.com is not used up: the request is approved without it."],
    });
    expect(waivers(decision)).toEqual([]);
    expect(await consumed("not-needed")).toEqual([]);
    expect((await send({ ...request, overrides: [token] })).allowed).toBe(true);
  });

  it("not by a request that is rejected all the same", async () => {
    const request = fresh({
      ...schema,
      migrations: [{ path: "a.sql", sql: "CREATE TABLE a (id int);" }],
    });
    const token = team.override("dba", request, { rules: ["human-review"], jti: "alone" }, friday);
    const decision = await send({ ...request, overrides: [token] });
    expect(decision).toMatchObject({
      allowed: false,
      withoutOverrides: "rejected",
      overrides: [{ jti: "alone", consumed: false }],
      warnings: [
        "human-review is not waived: overrides by 2 different people are needed, and 1 has signed (dba@example.com).",
        "The override alone by dba@example.com is not used up: the request is rejected all the same.",
      ],
    });
    expect(await consumed("alone")).toEqual([]);
  });

  it("not where another token does it", async () => {
    const request = fresh(deploy);
    const overrides = ["one", "two"].map((jti) =>
      team.override("dba", request, { rules: ["change-window"], jti: `spare-${jti}` }, friday),
    );
    expect(await send({ ...request, overrides })).toMatchObject({
      allowed: true,
      overrides: [{ consumed: true }, { jti: "spare-two", consumed: false }],
      warnings: ["The override spare-two by dba@example.com is not used up: the request is approved without it."],
    });
    expect(await consumed("spare-one", "spare-two")).toEqual(["spare-one"]);
  });

  it("not by a gate whose policy files have been broken for too long", async () => {
    const file = join(gate.policyDirectory, "broken.yaml");
    gate.setTime("2026-03-12T11:00:00Z");
    writeFileSync(file, "version: 1\nnonsense: true\n");
    await gate.reloadPolicies();
    gate.setTime(friday.toISOString());
    const request = fresh(deploy);
    const token = team.override("dba", request, { rules: ["change-window"], jti: "stale" }, friday);
    const decision = await send({ ...request, overrides: [token] });
    rmSync(file);
    await gate.reloadPolicies();
    expect(decision).toMatchObject({ allowed: false, withoutOverrides: "rejected", overrides: [{ consumed: false }] });
    expect(await consumed("stale")).toEqual([]);
    expect((await send({ ...request, overrides: [token] })).allowed).toBe(true);
  });

  it("once, for whatever request: the same jti in another token counts as used", async () => {
    const [first, second] = [fresh(deploy), fresh(deploy)];
    const used = await send({ ...first, overrides: [team.override("dba", first, { jti: "same" }, friday)] });
    const again = await send({ ...second, overrides: [team.override("oncall", second, { jti: "same" }, friday)] });
    expect(again).toMatchObject({
      allowed: false,
      warnings: [
        `The override does not count: same was used up by the decision ${used.id}, and an override counts once.`,
      ],
    });
  });

  it("for ever: its jti is remembered when the token has long ended and old rows were deleted", async () => {
    const [first, second] = [fresh(deploy), fresh(deploy)];
    const used = await send({ ...first, overrides: [team.override("dba", first, { jti: "old" }, friday)] });
    const later = new Date("2027-03-12T12:00:00Z");
    const store = await openStore({
      connection: { connectionString: gate.database.url },
      maxConnections: 1,
      onConnectionError: () => {},
      clock: { now: () => later },
      evidenceRetentionMs: 1,
    });
    await store.prune();
    await store.close();
    gate.setTime(later.toISOString());
    const again = await send({ ...second, overrides: [team.override("dba", second, { jti: "old" }, later)] });
    expect(again).toMatchObject({
      allowed: false,
      warnings: [expect.stringContaining(`old was used up by the decision ${used.id}`)],
    });
  });

  it("with an Idempotency-Key, the stored approval is given again", async () => {
    const request = fresh(deploy);
    const body = { ...request, overrides: [team.override("dba", request, { jti: "keyed" }, friday)] };
    const sendKeyed = () => gate.post("/v1/decisions", body).set("Idempotency-Key", "override-keyed").expect(200);
    expect((await sendKeyed()).body).toEqual((await sendKeyed()).body);
  });
});

describe("quorum", () => {
  const both = (request: object, first: string, second: string) =>
    [first, second].map((name, index) =>
      team.override(name, request, { rules: ["human-review"], jti: `${name}-${index}-${counter}` }, friday),
    );

  it("two people waive what takes two", async () => {
    const request = fresh(schema);
    const decision = await send({ ...request, overrides: both(request, "dba", "oncall") });
    expect(decision).toMatchObject({ allowed: true, overrides: [{ consumed: true }, { consumed: true }] });
    expect(waivers(decision)).toEqual([`human-review: dba-0-${counter}`]);
    expect(await consumed(`dba-0-${counter}`, `oncall-1-${counter}`)).toHaveLength(2);
  });

  it("two tokens of one person do not", async () => {
    const request = fresh(schema);
    expect(await send({ ...request, overrides: both(request, "dba", "dba") })).toMatchObject({ allowed: false });
  });

  it("a token that is used up does not complete it, and the other one stays good", async () => {
    const request = fresh(schema);
    const [first = "", second = ""] = both(request, "dba", "oncall");
    expect((await send({ ...request, overrides: [first, second] })).allowed).toBe(true);
    const fresher = team.override("lead", request, { rules: ["human-review"], jti: `kept-${counter}` }, friday);
    const decision = await send({ ...request, overrides: [fresher, second] });
    expect(decision).toMatchObject({ allowed: false, overrides: [{ jti: `kept-${counter}`, consumed: false }] });
    expect(decision.warnings[0]).toMatch(/^Override 2 of 2 does not count: oncall-1-\d+ was used up by the decision/);
    expect(await consumed(`kept-${counter}`)).toEqual([]);
  });

  it("a third token is left over", async () => {
    const request = fresh(schema);
    const overrides = [...both(request, "dba", "oncall"), ...both(request, "lead", "lead").slice(0, 1)];
    expect((await send({ ...request, overrides })).overrides).toMatchObject([
      { consumed: true },
      { consumed: true },
      { by: "lead@example.com", consumed: false },
    ]);
  });

  it("the same token twice is one token", async () => {
    const request = fresh(schema);
    const [token = ""] = both(request, "dba", "oncall");
    const decision = await send({ ...request, overrides: [token, token] });
    expect(decision.allowed).toBe(false);
    expect(decision.warnings[0]).toBe(
      `Override 2 of 2 does not count: dba-0-${counter} comes with the request more than once.`,
    );
  });
});

describe("the digest of another request", () => {
  const signedFor = { ...schema, commit: "9f1c2e7", images: ["registry/orders@sha256:1"], database: "orders" };
  const [migration = { path: "", sql: "" }] = signedFor.migrations;
  it.each<[string, object]>([
    ["commit", { commit: "0ther" }],
    ["commit, left out", { commit: null }],
    ["SQL", { migrations: [{ ...migration, sql: `${migration.sql} DROP TABLE orders;` }] }],
    ["SQL, by white space", { migrations: [{ ...migration, sql: `${migration.sql} ` }] }],
    ["migration's path", { migrations: [{ ...migration, path: "b.sql" }] }],
    ["migration more", { migrations: [migration, migration] }],
    ["environment", { environment: "staging" }],
    ["service", { service: "billing" }],
    ["action", { action: "rollback" }],
    ["image", { images: ["registry/orders@sha256:2"] }],
    ["order of images", { images: ["registry/a@sha256:2", ...signedFor.images] }],
    ["database", { database: "billing" }],
  ])("another %s: neither override nor approval counts", async (_name, change) => {
    const { plansDigest } = await send(signedFor);
    const overrides = [team.override("dba", signedFor, {}, friday)];
    const approvals = [team.approval("dba", signedFor, plansDigest, friday)];
    const decision = await send({ ...signedFor, ...change, overrides, approvals });
    expect(decision).toMatchObject({ allowed: false, overrides: [] });
    expect(decision.warnings.filter((text: string) => text.includes("it is for another request"))).toHaveLength(2);
  });
});

describe("what an override cannot do", () => {
  it("waive what no policy allows", async () => {
    const request = fresh({ ...deploy, environment: "staging" });
    const decision = await send({ ...request, overrides: [team.override("dba", request, {}, friday)] });
    expect(decision).toMatchObject({ allowed: false, findings: [{ ruleId: "unmatched", waivedBy: null }] });
  });

  it("be used for a request that has changed since", async () => {
    const request = fresh(schema);
    const overrides = [team.override("dba", request, {}, friday), team.override("oncall", request, {}, friday)];
    const changed = { ...request, migrations: [{ path: "a.sql", sql: "DROP TABLE orders;" }], overrides };
    const decision = await send(changed);
    expect(decision).toMatchObject({ allowed: false, overrides: [] });
    expect(decision.warnings[0]).toMatch(/^Override 1 of 2 does not count: it is for another request/);
  });

  it("come from whoever asks", async () => {
    const request = fresh({ ...deploy, requestedBy: "DBA@example.com" });
    const decision = await send({ ...request, overrides: [team.override("dba", request, {}, friday)] });
    expect(decision.allowed).toBe(false);
    expect(decision.warnings).toEqual([
      "The override does not count: dba@example.com has asked for the deploy, and nobody signs for their own request.",
    ]);
  });

  it("count after it was revoked", async () => {
    const request = fresh(deploy);
    const decision = await send({ ...request, overrides: [team.override("dba", request, { jti: "lost" }, friday)] });
    expect(decision).toMatchObject({ allowed: false, warnings: ["The override does not count: it has been revoked."] });
  });
});

describe("a signed approval", () => {
  const plan = (text: string) => ({
    version: 1,
    capturedAt: "2026-03-13T11:00:00Z",
    server: { name: "orders-replica-1", role: "replica" },
    plans: [{ query: "SELECT 1", phase: "before", method: "explain", plan: text }],
  });
  const scan = "Seq Scan on orders  (cost=0.00..10.00 rows=1 width=4)";

  it("counts for the plans that the decision names, as often as it is sent", async () => {
    const request = { ...fresh(schema), evidence: [plan(scan)] };
    const { plansDigest, allowed } = await send(request);
    expect(allowed).toBe(false);
    const approvals = [team.approval("dba", request, plansDigest, friday)];
    for (const _time of [1, 2])
      expect(await send({ ...request, approvals })).toMatchObject({ allowed: true, warnings: [] });
  });

  it("does not count once the plans have changed, and says so", async () => {
    const request = { ...fresh(schema), evidence: [plan(scan)] };
    const { plansDigest } = await send(request);
    const approvals = [team.approval("dba", request, plansDigest, friday)];
    const changed = await send({ ...request, approvals, evidence: [plan(scan.replace("Seq", "Parallel Seq"))] });
    expect(changed.allowed).toBe(false);
    expect(changed.warnings).toEqual([
      `The approval does not count: the query plans are not those that dba@example.com looked at (${plansDigest}); they are ${changed.plansDigest} now.`,
    ]);
  });

  it("does not count twice for one person, signed and unsigned", async () => {
    const request = fresh(schema);
    const { plansDigest } = await send(request);
    const approvals = [
      team.approval("dba", request, plansDigest, friday),
      { by: "DBA@example.com", of: "query-plans" },
    ];
    const decision = await send({ ...request, approvals });
    const review = decision.findings.find(({ ruleId }: { ruleId: string }) => ruleId === "human-review");
    expect(review.details.reviewers).toEqual(["dba@example.com"]);
  });
});

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deploy, startTestGate, type TestGate } from "../http/gate.ts";

/**
 * Security checklist, "Audit and time", at a running gate. The chain is in test/audit, policies that are broken while a gate runs in
 * test/http/policy-reload.test.ts, audit writes that fail in test/http/operations.test.ts, and daylight saving in test/calendar.
 */

let gate: TestGate;
beforeAll(async () => {
  gate = await startTestGate();
});
afterAll(() => gate.cleanup());

const at = async (instant: string, body: object = deploy, key?: string) => {
  gate.setTime(instant);
  const sent = gate.post("/v1/decisions?mode=json", body);
  return key === undefined ? sent : sent.set("Idempotency-Key", key);
};

it.each([
  ["the last millisecond before the window opens", "2026-03-11T07:59:59.999Z", false],
  ["the second in which it opens", "2026-03-11T08:00:00.000Z", true],
  ["the last second in which the deploy fits", "2026-03-11T17:50:00.000Z", true],
  ["a millisecond later", "2026-03-11T17:50:00.001Z", false],
  ["the second in which it closes", "2026-03-11T18:00:00.000Z", false],
])("boundary second: %s", async (_name, instant, allowed) => {
  expect((await at(instant)).body.allowed).toBe(allowed);
});

describe("a decision that outlives its window", () => {
  it("ends with it: an approval shortly before the close is for the time that is left", async () => {
    const { body } = await at("2026-03-11T17:40:00.000Z");
    expect(body).toMatchObject({ allowed: true, notAfter: "2026-03-11T17:50:00.000Z" });
  });

  it("is not given again after its end, neither under its key nor by asking anew", async () => {
    expect((await at("2026-03-11T17:45:00.000Z", deploy, "outlives")).body.allowed).toBe(true);
    expect((await at("2026-03-11T17:50:00.000Z", deploy, "outlives")).status).toBe(200);
    const late = await at("2026-03-11T17:50:00.001Z", deploy, "outlives");
    expect(late).toMatchObject({ status: 409, body: { code: "approval-expired" } });
    expect((await at("2026-03-11T17:50:00.001Z")).body.allowed).toBe(false);
  });

  it("does not lose the window by a deploy that takes longer than the policy's time", async () => {
    const long = { ...deploy, expectedDuration: "30m" };
    expect((await at("2026-03-11T17:30:00.000Z", long)).body).toMatchObject({
      allowed: true,
      notAfter: "2026-03-11T17:30:00.000Z",
    });
    expect((await at("2026-03-11T17:30:00.001Z", long)).body.allowed).toBe(false);
    const short = { ...deploy, expectedDuration: "1s" };
    expect((await at("2026-03-11T17:50:00.001Z", short)).body.allowed).toBe(false);
  });
});

describe("daylight saving at the gate", () => {
  const file = () => join(gate.policyDirectory, "deploys.yaml");
  let before: string;
  beforeAll(async () => {
    before = readFileSync(file(), "utf8");
    const nights = `version: 1
policy: deploys
appliesTo: { environments: [production], changes: [deploy] }
enforcement: deny
changeWindow:
  timeZone: America/New_York
  allow: [{ from: "01:30", to: "02:30" }]
  expectedDuration: 1m
`;
    writeFileSync(file(), nights);
    await gate.reloadPolicies();
  });
  afterAll(async () => {
    writeFileSync(file(), before);
    await gate.reloadPolicies();
  });

  it.each([
    ["gap: the window ends where the clock jumps", "2026-03-08T06:58:00Z", true],
    ["gap: what would be 02:15 does not exist, and 03:15 is closed", "2026-03-08T07:15:00Z", false],
    ["overlap: the first 01:45", "2026-11-01T05:45:00Z", true],
    ["overlap: an ordinary night", "2026-11-02T06:45:00Z", true],
    ["overlap: an ordinary night, closed", "2026-11-02T07:45:00Z", false],
  ])("%s", async (_name, instant, allowed) => {
    expect((await at(instant)).body.allowed).toBe(allowed);
  });
});

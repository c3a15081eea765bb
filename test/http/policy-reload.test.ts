import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { deploy, startTestGate, type TestGate, wednesdayNoon } from "./gate.ts";

let gate: TestGate;
const file = (name: string) => join(gate.policyDirectory, name);
const digest = async () => (await gate.post("/v1/decisions", deploy)).body.policyDigest;
const readiness = async () => (await gate.get("/readyz")).body.policies;

/** Waits for the watcher; the test's own time limit is the only one. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50);
}

beforeEach(async () => {
  gate = await startTestGate();
});
afterEach(() => gate.cleanup());

it("follows a file that an editor replaces", async () => {
  const before = await digest();
  const text = readFileSync(file("deploys.yaml"), "utf8").replace("[Mon, Tue, Wed, Thu]", "[Fri]");
  writeFileSync(file(".deploys.yaml.swp"), text);
  renameSync(file(".deploys.yaml.swp"), file("deploys.yaml"));
  await until(async () => (await digest()) !== before);
  const { body } = await gate.post("/v1/decisions", deploy).expect(403);
  expect(body.window.nextOpen).toBe("2026-03-13T08:00:00.000Z");
});

it("follows a Kubernetes mount, which swaps a link to a folder", async () => {
  const text = readFileSync(file("deploys.yaml"), "utf8");
  const revision = (name: string, content: string) => {
    mkdirSync(file(name));
    writeFileSync(join(file(name), "deploys.yaml"), content);
    symlinkSync(name, file("..data_new"));
    renameSync(file("..data_new"), file("..data"));
  };
  revision("..2026_01", text);
  rmSync(file("deploys.yaml"));
  symlinkSync("..data/deploys.yaml", file("deploys.yaml"));
  await gate.reloadPolicies();
  const before = await digest();
  revision("..2026_02", text.replace("18:00", "17:00"));
  await until(async () => (await digest()) !== before);
});

it("keeps the last good set while the files are broken, says so, and rejects after 24 hours", async () => {
  const before = await digest();
  const good = readFileSync(file("deploys.yaml"), "utf8");
  writeFileSync(file("deploys.yaml"), "version: 1\npolicy: deploys\nfreeze: [");
  await until(async () => (await readiness()) !== "ok");
  expect(await readiness()).toBe(`stale since ${wednesdayNoon}`);
  await gate.get("/readyz").expect(200);
  const { body } = await gate.post("/v1/decisions", deploy).expect(200);
  expect(body.policyDigest).toBe(before);
  expect(body.warnings).toEqual([
    `The policy files have been broken since ${wednesdayNoon}; this decision follows the last good ones.`,
  ]);
  const metrics = (await gate.get("/metrics")).text;
  expect(metrics).toContain('plangate_policy_reloads_total{result="broken"} 1');
  expect(metrics).toContain("plangate_policies_stale 1");

  gate.setTime("2026-03-12T12:00:00Z");
  const rejected = (await gate.post("/v1/decisions", deploy).expect(403)).body;
  expect(rejected).toMatchObject({ decision: "rejected", allowed: false, notAfter: null });
  expect(rejected.findings[0]).toMatchObject({ ruleId: "stale-policies", outcome: "inconclusive" });
  await gate.get("/readyz").expect(503);

  writeFileSync(file("deploys.yaml"), good);
  await until(async () => (await readiness()) === "ok");
  await gate.post("/v1/decisions", deploy).expect(200);
});

it("counts a directory that disappears as broken", async () => {
  renameSync(gate.policyDirectory, `${gate.policyDirectory}-away`);
  await gate.reloadPolicies();
  expect(await readiness()).toMatch(/^stale since/);
  renameSync(`${gate.policyDirectory}-away`, gate.policyDirectory);
  await gate.reloadPolicies();
  expect(await readiness()).toBe("ok");
});

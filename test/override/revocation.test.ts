import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadConfigFile } from "../../src/adapters/config/config.ts";
import { startTestGate, type TestGate } from "../http/gate.ts";
import { buildProgram, cleanup, newFolder, serve } from "../serve/gate-process.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { type People, people } from "./people.ts";

/** `revoked` in plangate.yaml takes effect without a restart: whoever has lost a key cannot wait for one. */

/** Friday: the window for deploys is closed. */
const friday = new Date("2026-03-13T12:00:00Z");
const deploy = { service: "orders", environment: "production", requestedBy: "dev@example.com" };
const noSecret = "callers: [{ name: ci, secrets: [NOT_SET], services: [a], environments: [b], may: [read] }]\n";

let folder: string;
let file: string;
let team: People;
let gate: TestGate;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "plangate-revocation-"));
  file = join(folder, "plangate.yaml");
  team = people(folder, ["change-window"], "dba", "oncall");
  writeFileSync(file, team.yaml);
  const { approvers } = loadConfigFile(file, {});
  gate = await startTestGate(() => ({ approvers }), file);
  gate.setTime(friday.toISOString());
});
afterEach(async () => {
  await gate.cleanup();
  rmSync(folder, { recursive: true, force: true });
});

let counter = 0;
/** The warnings about an override that is used now; none: it counts. */
async function use(name: string, jti = "", at = friday): Promise<string[]> {
  counter += 1;
  const request = { ...deploy, commit: `c${counter}` };
  const token = team.override(name, request, { jti: jti === "" ? `jti-${counter}` : jti }, at);
  const { body } = await gate.post("/v1/decisions?mode=json", { ...request, overrides: [token] }).expect(200);
  expect(body.allowed).toBe(body.warnings.length === 0);
  return body.warnings;
}
const configuration = async () => (await gate.get("/readyz").expect(200)).body.configuration;
const rewrite = async (more: string) => {
  writeFileSync(file, team.yaml + more);
  await gate.reloadRevocations();
};
const refusal = (why: string) => [`The override does not count: ${why}.`];

it.each([
  ["kids: [dba-2026]", "its key dba-2026 has been revoked"],
  ["subjects: [DBA@example.com]", "dba@example.com's tokens have been revoked"],
  ["jtis: [lost]", "it has been revoked"],
])("revoked: { %s }, until it is taken out again", async (entry, why) => {
  await rewrite(`revoked: { ${entry} }\n`);
  expect(await use("dba", "lost")).toEqual(refusal(why));
  expect(await use("oncall")).toEqual([]);
  await rewrite("");
  expect(await use("dba", "lost")).toEqual([]);
});

it("is noticed by itself", async () => {
  writeFileSync(file, `${team.yaml}revoked: { kids: [dba-2026] }\n`);
  while ((await use("dba")).length === 0) await sleep(50);
});

it("is noticed where Kubernetes swaps a folder", async () => {
  const revision = (name: string, text: string) => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "plangate.yaml"), text);
    symlinkSync(name, join(folder, "..data_new"));
    renameSync(join(folder, "..data_new"), join(folder, "..data"));
  };
  revision("..1", team.yaml);
  rmSync(file);
  symlinkSync("..data/plangate.yaml", file);
  await gate.reloadRevocations();
  expect(await use("dba")).toEqual([]);
  revision("..2", `${team.yaml}revoked: { kids: [dba-2026] }\n`);
  while ((await use("dba")).length === 0) await sleep(50);
});

it.each<[string, () => void]>([
  ["is no YAML", () => writeFileSync(file, "gate: [")],
  ["has a misspelt key", () => writeFileSync(file, `${team.yaml}revokd: { kids: [oncall-2026] }\n`)],
  ["has a misspelt key elsewhere", () => writeFileSync(file, `${team.yaml}leese: { max: 1h }\n`)],
  ["has a wrong value", () => writeFileSync(file, `${team.yaml}revoked: { kids: oncall-2026 }\n`)],
  ["is empty bytes", () => writeFileSync(file, Buffer.from([0xff, 0xfe]))],
  ["is not there", () => rmSync(file)],
])("while the file %s, what was revoked stays so, and /readyz says it", async (_name, breakIt) => {
  await rewrite("revoked: { kids: [dba-2026] }\n");
  breakIt();
  await gate.reloadRevocations();
  expect(await configuration()).toBe(`stale since ${friday.toISOString()}`);
  expect((await gate.get("/metrics")).text).toContain("plangate_configuration_stale 1");
  expect(await use("dba")).toEqual(refusal("its key dba-2026 has been revoked"));
  expect(await use("oncall")).toEqual([]);
  await rewrite("revoked: { kids: [oncall-2026] }\n");
  expect(await configuration()).toBe("ok");
  expect(await use("dba")).toEqual([]);
  expect(await use("oncall")).toEqual(refusal("its key oncall-2026 has been revoked"));
});

it("while it is broken for longer than policies.staleAfter, no token counts; all else is decided as before", async () => {
  writeFileSync(file, "gate: [");
  await gate.reloadRevocations();
  const later = new Date("2026-03-20T12:00:00Z");
  gate.setTime(later.toISOString());
  expect(await use("oncall", "", later)).toEqual(
    refusal(`the gate's configuration has been broken since ${friday.toISOString()}, so it may be revoked`),
  );
  gate.setTime("2026-03-25T12:00:00Z");
  await gate.post("/v1/decisions", deploy).expect(200);
  gate.setTime(later.toISOString());
  await rewrite("");
  expect(await use("oncall", "", later)).toEqual([]);
});

it("everything else in the file needs a restart, and is not missed: a secret that is not set breaks nothing", async () => {
  const stranger = people(folder, ["change-window"], "stranger");
  await rewrite(`${stranger.yaml.split("\n").slice(2).join("\n")}${noSecret}revoked: { kids: [dba-2026] }\n`);
  expect(await configuration()).toBe("ok");
  expect(await use("dba")).toEqual(refusal("its key dba-2026 has been revoked"));
  expect(await use("oncall")).toEqual([]);
  const request = { ...deploy, commit: "stranger" };
  const token = stranger.override("stranger", request, {}, friday);
  const { body } = await gate.post("/v1/decisions?mode=json", { ...request, overrides: [token] });
  expect(body.warnings).toEqual(refusal("its key stranger-2026 is not among the configured approvers"));
});

describe("plangate serve", () => {
  beforeAll(buildProgram);
  afterEach(cleanup);

  it("reads it again on SIGHUP, and logs what is wrong with it", async () => {
    const database = await startPostgres({ major: 18 });
    try {
      const home = newFolder();
      const path = join(home, "plangate.yaml");
      const dba = people(home, ["change-window"], "dba");
      const text = `${dba.yaml}database: { url: ${JSON.stringify(database.url)} }\npolicies: { directory: ${JSON.stringify(join(__dirname, "policies"))} }\n`;
      writeFileSync(path, text);
      const running = serve(["--config", path]);
      await running.url();
      writeFileSync(path, `${text}revoked: { kids: [dba-2026], jtis: [a, b] }\n`);
      running.signal("SIGHUP");
      await running.untilLogged('"jtis":2,"kids":1,"subjects":0');
      writeFileSync(path, `${text}revoked: { kid: [dba-2026] }\n`);
      running.signal("SIGHUP");
      await running.untilLogged("revoked.kid: unknown key");
      expect(running.stderr()).toContain("the configuration file is broken");
    } finally {
      await cleanup();
      await database.cleanup();
    }
  });
});

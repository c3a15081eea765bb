import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultConfig } from "../../src/adapters/config/config.ts";
import { newLog } from "../../src/entry/http/log.ts";
import { startGate } from "../../src/entry/http/start-gate.ts";
import { cli } from "../cli/run.ts";
import { wednesdayNoon } from "../http/gate.ts";
import { writeIn } from "./chain.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "plangate-audit-embedded-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const startEmbeddedGate = () => {
  const defaults = defaultConfig(folder);
  const config = {
    ...defaults,
    listen: { api: { address: "127.0.0.1", port: 0 }, metrics: null, admission: null },
    policies: { ...defaults.policies, directory: join(__dirname, "../http/policies") },
    audit: { ...defaults.audit, checkpointFile: join(folder, "checkpoints.txt") },
  };
  const clock = { now: () => new Date(wednesdayNoon) };
  return startGate(config, { clock, log: newLog("silent"), timeZoneDatabase: "test", onFirstStart: () => {} });
};

test("the record of the embedded database is verified while its gate runs, and when it has stopped", async () => {
  writeIn(folder, "plangate.yaml", "gate: { name: plangate }\n");
  const gate = await startEmbeddedGate();
  const body = JSON.stringify({ service: "orders", environment: "production", commit: "9f1c2e7" });
  const headers = { "content-type": "application/json" };
  try {
    expect((await fetch(`${gate.url}/v1/decisions`, { method: "POST", headers, body })).status).toBe(200);
    const running = await cli(["audit", "verify"], { cwd: folder });
    expect(running).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ok {6}1 entry, 1 decision;/) });
  } finally {
    await gate.stop();
  }
  const key = join(folder, ".plangate/keys/gate.public.pem");
  const stopped = await cli(["audit", "verify", "--checkpoints", "checkpoints.txt", "--key", key], { cwd: folder });
  expect(stopped).toMatchObject({ code: 0, stdout: expect.stringContaining("1 checkpoint with a good signature") });
  // The last decision was signed when the gate stopped.
  expect(stopped.stdout).not.toContain("unprotected");
  expect(statSync(join(folder, ".plangate/keys/gate.private.pem")).mode & 0o777).toBe(0o600);
});

test("a directory without a gate's database is told so, and none is made", async () => {
  const empty = mkdtempSync(join(tmpdir(), "plangate-audit-none-"));
  const { code, stderr } = await cli(["audit", "export"], { cwd: empty });
  expect(code).toBe(1);
  expect(stderr).toContain("holds no embedded database of a gate");
  rmSync(empty, { recursive: true });
});

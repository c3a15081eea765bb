import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import request from "supertest";
import { defaultConfig, type GateConfig } from "../../src/adapters/config/config.ts";
import { newLog } from "../../src/entry/http/log.ts";
import { type RunningGate, startGate } from "../../src/entry/http/start-gate.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";

/** Wednesday: the test policies' window is open until 18:00. */
export const wednesdayNoon = "2026-03-11T12:00:00.000Z";

export interface TestGate extends RunningGate {
  database: PostgresServer;
  policyDirectory: string;
  setTime(instant: string): void;
  post(path: string, body: object | string): request.Test;
  get(path: string): request.Test;
  cleanup(): Promise<void>;
}

/** A gate on a PostgreSQL 18 of its own, with a copy of the test policies, on a free port. */
export async function startTestGate(
  change: (config: GateConfig) => Partial<GateConfig> = () => ({}),
  configFile?: string,
): Promise<TestGate> {
  const directory = mkdtempSync(join(tmpdir(), "plangate-http-"));
  const policyDirectory = join(directory, "policies");
  cpSync(join(__dirname, "policies"), policyDirectory, { recursive: true });
  const database = await startPostgres({ major: 18 });
  const defaults = defaultConfig(directory);
  const config: GateConfig = {
    ...defaults,
    database: { url: database.url },
    listen: { api: { address: "127.0.0.1", port: 0 }, metrics: null, admission: null },
  };
  let now = new Date(wednesdayNoon);
  const gate = await startGate(
    { ...config, ...change(config) },
    {
      clock: { now: () => now },
      log: newLog("silent"),
      timeZoneDatabase: "test",
      onFirstStart: () => {},
      ...(configFile !== undefined && { configFile }),
    },
  );
  return {
    ...gate,
    database,
    policyDirectory,
    setTime: (instant) => {
      now = new Date(instant);
    },
    post: (path, body) =>
      request(gate.url)
        .post(path)
        .set("Content-Type", "application/json")
        .send(typeof body === "string" ? body : JSON.stringify(body)),
    get: (path) => request(gate.url).get(path),
    async cleanup() {
      await gate.stop();
      await database.cleanup();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Approved on a Wednesday at noon. */
export const deploy = { service: "orders", environment: "production", commit: "9f1c2e7" };

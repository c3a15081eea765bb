import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildProgram, cleanup, type GateProcess, newFolder, serve, start } from "../serve/gate-process.ts";
import { type ApiServerClient, apiServerClient, serviceName } from "../support/api-server-client.ts";
import { newAuthority } from "../support/certificates.ts";
import { type PostgresServer, query, startPostgres } from "../support/postgres-server.ts";

const root = resolve(__dirname, "../..");
const policies = resolve(__dirname, "../serve/policies");
const image = `registry.example/orders@sha256:${"a".repeat(64)}`;
const authority = newAuthority("outage");

let database: PostgresServer;
beforeAll(async () => {
  buildProgram();
  database = await startPostgres({ major: 18 });
}, 120_000);
afterEach(cleanup);
afterAll(() => database.cleanup());

/** A folder with the configuration and certificate of a gate on that database. */
function newGateFolder(): string {
  const folder = newFolder();
  const { certificate, key } = authority.issue({ name: serviceName, dnsNames: [serviceName] });
  writeFileSync(join(folder, "tls.crt"), certificate);
  writeFileSync(join(folder, "tls.key"), key);
  const lines = [
    "gate: { dataDir: data }",
    "listen: { api: { port: 0 }, admission: { address: 127.0.0.1, port: 0, tls: { cert: tls.crt, key: tls.key } } }",
    "database: { urlEnv: STORE_URL }",
    `policies: { directory: ${JSON.stringify(policies)} }`,
  ];
  writeFileSync(join(folder, "plangate.yaml"), `${lines.join("\n")}\n`);
  return folder;
}

const serveIn = (folder: string) => serve(["--config", join(folder, "plangate.yaml")], { STORE_URL: database.url });

async function apiServerOf(gate: GateProcess): Promise<ApiServerClient> {
  await gate.untilLogged("the admission address is up");
  const url = /"url":"(https:[^"]+)"[^\n]*the admission address is up/.exec(gate.stderr())?.[1] ?? "";
  return apiServerClient({ url, caBundle: authority.certificate });
}

const jobOf = (pass: string | null) => ({
  object: {
    metadata: {
      name: "migrate",
      labels: { "app.kubernetes.io/name": "orders" },
      annotations: pass === null ? {} : { "plangate.dev/pass": pass, "plangate.dev/commit": "9f1c2e7" },
    },
    spec: { template: { spec: { containers: [{ name: "migrate", image }] } } },
  },
});

const review = async (apiServer: ApiServerClient, request: Record<string, unknown>) =>
  (await apiServer.call("/admission/production", { request })).response.allowed;

async function passFrom(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/decisions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ service: "orders", environment: "production", commit: "9f1c2e7", images: [image] }),
  });
  const { pass } = (await response.json()) as { pass: string };
  return pass;
}

/** Admissions in the audit chain, as soon as there are that many. */
async function recorded(count: number): Promise<string[]> {
  for (;;) {
    const rows = await query(database.url, "SELECT allowed, kind FROM plangate.admissions ORDER BY audit_sequence");
    if (rows.length >= count) return rows.map(({ allowed, kind }) => `${kind} ${allowed ? "admitted" : "denied"}`);
    await sleep(100);
  }
}

async function verifiedChain(folder: string): Promise<string> {
  const verify = start([join(root, "dist/plangate.js"), "audit", "verify", "--config", join(folder, "plangate.yaml")], {
    STORE_URL: database.url,
  });
  await verify.ended();
  return verify.stdout() + verify.stderr();
}

test("database down: the gate starts, answers reviews, and records them when the database is back", async () => {
  await database.stop();
  const folder = newGateFolder();
  const gate = serveIn(folder);
  const apiServer = await apiServerOf(gate);
  await gate.untilLogged("the database does not answer");

  expect(await review(apiServer, jobOf(null))).toBe(false);
  expect(await review(apiServer, { operation: "DELETE", object: null })).toBe(true);
  expect(await review(apiServer, { ...jobOf(null), dryRun: true })).toBe(false);

  await database.restart();
  await gate.url();
  expect(await recorded(1)).toEqual(["Job denied"]);
  expect(await verifiedChain(folder)).toContain("1 admission");
  apiServer.close();
}, 120_000);

test("database down: a pass of an earlier approval admits; nothing is lost when the gate is killed before the database is back", async () => {
  await query(database.url, "DROP SCHEMA IF EXISTS plangate CASCADE");
  const folder = newGateFolder();
  const first = serveIn(folder);
  const pass = await passFrom(await first.url());
  await database.kill9();
  const apiServer = await apiServerOf(first);
  expect(await review(apiServer, jobOf(pass))).toBe(true);
  expect(await review(apiServer, jobOf(null))).toBe(false);
  apiServer.close();
  first.signal("SIGKILL");
  await first.ended();

  // All pods killed, and the database still down.
  const second = serveIn(folder);
  const again = await apiServerOf(second);
  expect(await review(again, jobOf(pass))).toBe(true);
  await database.restart();
  await second.url();
  expect(await recorded(3)).toEqual(["Job admitted", "Job denied", "Job admitted"]);
  second.signal("SIGTERM");
  expect(await second.ended()).toBe(0);
  expect(await recorded(3)).toHaveLength(3);
  again.close();
}, 120_000);

test("a gate that waits for its database ends when it is told to", async () => {
  await database.stop();
  const gate = serveIn(newGateFolder());
  await gate.untilLogged("the database does not answer");
  gate.signal("SIGTERM");
  expect(await gate.ended()).toBe(1);
  await database.restart();
}, 120_000);

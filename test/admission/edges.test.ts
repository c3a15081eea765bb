import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { secretMount, serving, temporaryDirectory, tlsFiles, until } from "../admission-tls/world.ts";
import { startTestGate, type TestGate } from "../http/gate.ts";
import { type ApiServerClient, apiServerClient } from "../support/api-server-client.ts";
import { newAuthority } from "../support/certificates.ts";
import { readJson } from "../support/decide.ts";

/** Passes, windows, freezes and the clock: POST /v1/decisions → pass → AdmissionReview over TLS, by one gate on a real PostgreSQL. */

const commit = "9f1c2e7d4b8a05c3e6f7219a0b4d8c5e1f3a7b60";
const image = `registry.example/orders-migrate@sha256:${"a1".repeat(32)}`;
const backfill = {
  path: "migrations/20260311_backfill.sql",
  sql: "UPDATE orders SET state = 'open' WHERE state IS NULL;",
};
const request = { service: "orders", environment: "production", commit, images: [image], migrations: [backfill] };
const webhook = "/admission/production";

/** `request` of a complete AdmissionReview. */
// biome-ignore lint/suspicious/noExplicitAny: a document that the tests change in places
const reviewOf = (name: string): any =>
  (readJson(join(__dirname, "reviews", name, "review.json")) as { request: object }).request;

const directory = temporaryDirectory();
const authority = newAuthority("plangate CA");
let gate: TestGate;
let apiServer: ApiServerClient;
const policy = (name: string) => join(gate.policyDirectory, name);

beforeAll(async () => {
  const { certificate, key } = serving(authority);
  secretMount(directory, { "tls.crt": certificate, "tls.key": key });
  gate = await startTestGate(({ listen }) => ({
    listen: { ...listen, admission: { address: "127.0.0.1", port: 0, tls: tlsFiles(directory) } },
  }));
  apiServer = apiServerClient({ url: gate.admissionUrl ?? "", caBundle: authority.certificate });
  // The window of the deploys, for data too: Monday to Thursday, 08:00 to 18:00.
  const deploys = readFileSync(policy("deploys.yaml"), "utf8");
  writeFileSync(policy("deploys.yaml"), deploys.replace("changes: [deploy]", "changes: [deploy, data]"));
  await gate.reloadPolicies();
});
afterAll(async () => {
  apiServer?.close();
  await gate?.cleanup();
  rmSync(directory, { recursive: true, force: true });
});
afterEach(async () => {
  rmSync(policy("freeze.yaml"), { force: true });
  await gate.reloadPolicies();
});

/** Decided at this instant. */
async function approved(at: string): Promise<{ pass: string; notAfter: string; id: string }> {
  gate.setTime(at);
  const { body } = await gate.post("/v1/decisions", request).expect(200);
  expect(body).toMatchObject({ decision: "approved", pass: expect.any(String) });
  return body;
}

/** The Job that the decision is about, with its pass, asked for at this instant. */
async function job(pass: string, at: string) {
  gate.setTime(at);
  const review = reviewOf("job-with-pass");
  const { sha256 } = migrationOf(pass);
  review.object.metadata.annotations = {
    "plangate.dev/pass": pass,
    "plangate.dev/commit": commit,
    "plangate.dev/migrations": sha256,
  };
  return (await apiServer.call(webhook, { request: review })).response;
}

function migrationOf(pass: string): { sha256: string } {
  const claims = JSON.parse(Buffer.from(pass.split(".")[1] ?? "", "base64url").toString());
  expect(claims.migrations).toHaveLength(1);
  return { sha256: claims.migrations[0] };
}

const later = (instant: string, ms: number) => new Date(Date.parse(instant) + ms).toISOString();

async function freeze(from: string, to: string) {
  const text = `version: 1
policy: incident
appliesTo: { changes: [any] }
enforcement: deny
changeWindow:
  timeZone: Etc/UTC
  freeze: [{ from: "${from}", to: "${to}", reason: Incident 4711 }]
`;
  writeFileSync(policy("freeze.yaml"), text);
  await gate.reloadPolicies();
}

test("a pass counts until notAfter, and not one second longer", async () => {
  const { pass, notAfter } = await approved("2026-03-11T12:00:00.000Z");
  expect(notAfter).toBe("2026-03-11T13:00:00.000Z");
  expect(await job(pass, later(notAfter, -1))).toMatchObject({ allowed: true });
  for (const late of [0, 1_000]) {
    const { allowed, status } = await job(pass, later(notAfter, late));
    expect(allowed).toBe(false);
    expect(status?.message).toContain("Its pass does not count: it ended at 2026-03-11T13:00:00.000Z.");
  }
});

test("a window that closes between decision and admission ends the pass in time for the deploy to be over", async () => {
  const { pass, notAfter } = await approved("2026-03-11T17:30:00.000Z");
  expect(notAfter).toBe("2026-03-11T17:50:00.000Z");
  expect(await job(pass, "2026-03-11T17:49:59.000Z")).toMatchObject({ allowed: true });
  for (const at of ["2026-03-11T17:55:00.000Z", "2026-03-11T18:00:00.000Z"]) {
    expect((await job(pass, at)).status?.message).toContain("it ended at 2026-03-11T17:50:00.000Z");
  }
});

test("a freeze that is declared between decision and admission beats the pass", async () => {
  const { pass } = await approved("2026-03-11T12:00:00.000Z");
  expect(await job(pass, "2026-03-11T12:10:00.000Z")).toMatchObject({ allowed: true });
  await freeze("2026-03-11T12:30", "2026-03-11T20:00");
  expect(await job(pass, "2026-03-11T12:20:00.000Z")).toMatchObject({ allowed: true });
  for (const at of ["2026-03-11T12:20:01.000Z", "2026-03-11T12:30:00.000Z"]) {
    expect((await job(pass, at)).status?.message).toContain(
      "A freeze covers the deploy of orders/production: Incident 4711",
    );
  }
  rmSync(policy("freeze.yaml"));
  await gate.reloadPolicies();
  expect(await job(pass, "2026-03-11T12:31:00.000Z")).toMatchObject({ allowed: true });
});

test("a pass is for what was approved: another image, another migration and another service are not let in", async () => {
  const { pass } = await approved("2026-03-11T12:00:00.000Z");
  const { sha256 } = migrationOf(pass);
  const annotations = { "plangate.dev/pass": pass, "plangate.dev/commit": commit, "plangate.dev/migrations": sha256 };
  const asked = async (change: (object: ReturnType<typeof reviewOf>) => void) => {
    const review = reviewOf("job-with-pass");
    review.object.metadata.annotations = { ...annotations };
    change(review.object);
    return (await apiServer.call(webhook, { request: review })).response.allowed;
  };
  expect(await asked(() => {})).toBe(true);
  const other = `registry.example/orders-migrate@sha256:${"e7".repeat(32)}`;
  expect(await asked(({ spec }) => Object.assign(spec.template.spec.containers[0], { image: other }))).toBe(false);
  const otherMigration = { "plangate.dev/migrations": "0f".repeat(32) };
  expect(await asked(({ metadata }) => Object.assign(metadata.annotations, otherMigration))).toBe(false);
  expect(await asked(({ metadata }) => Object.assign(metadata.labels, { "app.kubernetes.io/name": "billing" }))).toBe(
    false,
  );
});

/** `registry.example/orders@sha256:nnn…` */
const build = (digit: string) => `registry.example/orders@sha256:${digit.repeat(64)}`;

/** Is another image of this Deployment let in? */
async function updated(name: string, { from, to }: { from: string; to: string }): Promise<boolean> {
  const review = reviewOf("deployment-image-changed");
  review.name = name;
  review.object.spec.template.spec.containers[0].image = to;
  review.oldObject.spec.template.spec.containers[0].image = from;
  return (await apiServer.call(webhook, { request: review })).response.allowed;
}

test("a Deployment goes back in a freeze to what the gate let in before, and to nothing else", async () => {
  const [known, bad, unknown] = [build("1"), build("2"), build("3")];
  gate.setTime("2026-03-11T12:00:00.000Z");
  expect(await updated("orders-api", { from: unknown, to: known })).toBe(true);
  expect(await updated("orders-api", { from: known, to: bad })).toBe(true);
  await recorded();
  await freeze("2026-03-11T12:30", "2026-03-11T20:00");
  gate.setTime("2026-03-11T12:30:00.000Z");
  expect(await updated("orders-api", { from: bad, to: unknown })).toBe(false);
  expect(await updated("orders-api", { from: bad, to: known })).toBe(true);
  // Of this Deployment, that is.
  expect(await updated("orders-worker", { from: bad, to: known })).toBe(false);
});

test("database down: passes count, Jobs without one are denied, and nothing is known of what was let in before", async () => {
  const [known, bad] = [build("4"), build("5")];
  const { pass } = await approved("2026-03-11T12:00:00.000Z");
  expect(await updated("orders-down", { from: bad, to: known })).toBe(true);
  const before = await recorded();
  await freeze("2026-03-11T14:30", "2026-03-11T20:00");
  await gate.database.stop("immediate");
  try {
    expect(await job(pass, "2026-03-11T12:30:00.000Z")).toMatchObject({ allowed: true });
    expect((await apiServer.call(webhook, { request: reviewOf("job-without-pass") })).response.allowed).toBe(false);
    gate.setTime("2026-03-11T15:00:00.000Z");
    expect(await updated("orders-down", { from: bad, to: known })).toBe(false);
  } finally {
    await gate.database.restart();
  }
  expect(await recorded()).toEqual({ admissions: before.admissions + 3, entries: before.entries + 3 });
  // Not before the gate has a connection again.
  await until(() => updated("orders-down", { from: bad, to: known }));
});

test("dryRun leaves no rows, neither of what is let in nor of what is denied", async () => {
  const { pass } = await approved("2026-03-11T12:00:00.000Z");
  const before = await recorded();
  for (const name of ["job-dry-run", "job-dry-run-without-pass", "deployment-dry-run", "exempt-dry-run"]) {
    const review = reviewOf(name);
    if (name === "job-dry-run") review.object.metadata.annotations["plangate.dev/pass"] = pass;
    expect(review.dryRun).toBe(true);
    await apiServer.call(webhook, { request: review });
  }
  expect(await recorded()).toEqual(before);
});

test("an object as large as a cluster takes it, full of what Go writes in six bytes, is judged and not refused for its size", async () => {
  await freeze("2026-03-11T11:30", "2026-03-11T20:00");
  gate.setTime("2026-03-11T12:00:00.000Z");
  const review = reviewOf("deployment-image-changed");
  const padding = { name: "PADDING", value: "<".repeat(1.5 * 1024 * 1024) };
  for (const object of [review.object, review.oldObject]) object.spec.template.spec.containers[0].env.push(padding);
  const { response } = await apiServer.call(webhook, { request: review, timeoutMs: 60_000 });
  expect(response.status?.message).toContain("A freeze covers the deploy");
});

let markers = 0;

/** What stands in the database of everything that was answered before. Verdicts enter it in the order in which they were given. */
async function recorded(): Promise<{ admissions: number; entries: number }> {
  const review = reviewOf("job-without-pass");
  markers += 1;
  review.name = `marker-${markers}`;
  await apiServer.call(webhook, { request: review });
  const database = new Client({ connectionString: gate.database.url });
  await database.connect();
  try {
    const marked = "SELECT FROM plangate.admissions WHERE name = $1";
    await until(async () => (await database.query(marked, [review.name])).rowCount === 1);
    const { rows } = await database.query(
      `SELECT (SELECT count(*)::int FROM plangate.admissions WHERE name NOT LIKE 'marker-%') AS admissions,
              (SELECT count(*)::int FROM plangate.audit_entries WHERE kind = 'admission') - $1::int AS entries`,
      [markers],
    );
    return rows[0];
  } finally {
    await database.end();
  }
}

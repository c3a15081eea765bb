import { readFileSync, rmSync } from "node:fs";
import { get } from "node:https";
import path from "node:path";
import { Client } from "pg";
import { startTestGate, type TestGate } from "../http/gate.ts";
import { type ApiServerClient, apiServerClient } from "../support/api-server-client.ts";
import { type Authority, type Issued, newAuthority } from "../support/certificates.ts";
import { underLoad } from "./load.ts";
import { fingerprint, type SecretMount, secretMount, serving, temporaryDirectory, tlsFiles, until } from "./world.ts";

/** The whole gate, asked over TLS as an API server asks. */

const webhook = "/admission/production";
/** `request` of a complete AdmissionReview. */
const review = (name: string) =>
  JSON.parse(readFileSync(path.join(__dirname, "../admission/reviews", name, "review.json"), "utf8")).request;
const deployment = review("deployment-in-window");
const job = review("job-without-pass");

let directory: string;
let authority: Authority;
let first: Issued;
let mount: SecretMount;
let gate: TestGate;
const clients: ApiServerClient[] = [];
const client = (keepAlive = true) => {
  const made = apiServerClient({ url: gate.admissionUrl ?? "", caBundle: authority.certificate, keepAlive });
  clients.push(made);
  return made;
};

beforeEach(async () => {
  directory = temporaryDirectory();
  authority = newAuthority("plangate CA");
  first = serving(authority);
  mount = secretMount(directory, { "tls.crt": first.certificate, "tls.key": first.key });
  gate = await startTestGate(({ listen }) => ({
    listen: { ...listen, admission: { address: "127.0.0.1", port: 0, tls: tlsFiles(directory) } },
  }));
});
afterEach(async () => {
  for (const made of clients.splice(0)) made.close();
  await gate.cleanup();
  rmSync(directory, { recursive: true, force: true });
});

/** What stands in the database. */
async function admissions(): Promise<number> {
  const database = new Client({ connectionString: gate.database.url });
  await database.connect();
  try {
    const { rows } = await database.query("SELECT count(*)::int AS admissions FROM plangate.admissions");
    return rows[0].admissions;
  } finally {
    await database.end();
  }
}

const replace = ({ certificate, key }: Issued) => mount.replace({ "tls.crt": certificate, "tls.key": key });

it("judges what an API server asks", async () => {
  const { response } = await client().call(webhook, { request: deployment });
  expect(response.allowed).toBe(true);
  const denied = (await client().call(webhook, { request: job })).response;
  expect(denied).toMatchObject({ allowed: false, status: { code: 403, reason: "Forbidden" } });
  expect(denied.status?.message).toContain("orders-migrate");
  await until(async () => (await admissions()) === 2);
});

it("a Job with the pass of an approved decision is let through, until the pass has run out", async () => {
  const image = `registry.example/orders-migrate@sha256:${"a1".repeat(32)}`;
  const commit = "9f1c2e7d4b8a05c3e6f7219a0b4d8c5e1f3a7b60";
  const request = { service: "orders", environment: "production", commit, images: [image] };
  const { body } = await gate.post("/v1/decisions", request).expect(200);
  const annotations = { "plangate.dev/pass": body.pass, "plangate.dev/commit": commit };
  const carried = structuredClone(job);
  carried.object.metadata.annotations = annotations;
  carried.object.spec.template.spec.containers[0].image = image;
  const caller = client();
  expect((await caller.call(webhook, { request: carried })).response).toMatchObject({ allowed: true });
  gate.setTime(new Date(Date.parse(body.notAfter) + 1_000).toISOString());
  const late = (await caller.call(webhook, { request: carried })).response;
  expect(late.status?.message).toContain(body.notAfter.slice(0, 19));
});

it("certificate and key are replaced under load: each call is answered, and each verdict is recorded", async () => {
  const load = underLoad(
    Array.from({ length: 12 }, (_, index) => client(index % 3 > 0)),
    { request: deployment },
  );
  for (let rotation = 0; rotation < 4; rotation += 1) {
    const next = serving(authority);
    replace(next);
    await until(() => load.calls.some((call) => call.fingerprint === fingerprint(next)));
    const answered = load.calls.length;
    await until(() => load.calls.length >= answered + 100);
  }
  await load.stop();
  expect(load.failures).toEqual([]);
  expect(load.calls.filter(({ response }) => !response.allowed)).toEqual([]);
  await until(async () => (await admissions()) === load.calls.length);
});

it("the same while the database is down: the verdicts enter it later", async () => {
  await gate.database.stop("immediate");
  const load = underLoad([client(), client(), client(false)], { request: deployment });
  const next = serving(authority);
  replace(next);
  await until(() => load.calls.some((call) => call.fingerprint === fingerprint(next)) && load.calls.length >= 200);
  await load.stop();
  expect(load.failures).toEqual([]);
  await gate.database.restart();
  await until(async () => (await admissions()) === load.calls.length);
});

it("stops without failing a call: clients are asked to leave, and come back elsewhere", async () => {
  const load = underLoad(
    Array.from({ length: 8 }, () => client()),
    { request: deployment, lastAnswer: ({ headers }) => headers.connection === "close" },
  );
  await until(() => load.calls.length >= 50);
  await gate.stop();
  await load.stop();
  expect(load.failures).toEqual([]);
});

it("large reviews: 7 MB are judged, and what is over 24 MiB is no answer that an API server takes", async () => {
  const large = (bytes: number) => ({
    ...deployment,
    object: { ...deployment.object, padding: "x".repeat(bytes) },
  });
  const caller = client();
  expect((await caller.call(webhook, { request: large(3_000_000) })).response.allowed).toBe(true);
  expect((await caller.call(webhook, { request: large(7_000_000) })).response.allowed).toBe(true);
  await expect(caller.call(webhook, { request: large(26_000_000) })).rejects.toThrow();
  expect((await caller.call(webhook, { request: deployment })).response.allowed).toBe(true);
});

it("whatever an object holds, there is a verdict: without one a webhook with failurePolicy Ignore would let it in", async () => {
  gate.setTime("2026-03-14T12:00:00Z"); // a Saturday
  const { object } = deployment;
  const holding = (volumeAttributes: unknown) => {
    const changed = structuredClone(object);
    changed.spec.template.spec.volumes = [{ name: "data", csi: { driver: "csi.example.com", volumeAttributes } }];
    return changed;
  };
  const caller = client();
  const denied = { allowed: false, status: { code: 403 } };
  const update = { ...deployment, operation: "UPDATE" };
  for (const held of ['{"__proto__":"x"}', `${"[".repeat(300)}${"]".repeat(300)}`, '"\\ud800"']) {
    const odd = holding(JSON.parse(held));
    expect((await caller.call(webhook, { request: { ...deployment, object: odd } })).response).toMatchObject(denied);
    // It is changed back into one without, which is another template.
    const changed = { ...update, object, oldObject: odd };
    expect((await caller.call(webhook, { request: changed })).response).toMatchObject(denied);
  }
});

it("readiness tells of the certificate, over the same address, without making the gate unready", async () => {
  const readiness = () =>
    new Promise<{ status: number | undefined; body: Record<string, unknown> }>((done, fail) => {
      const options = { ca: authority.certificate, servername: "plangate.plangate.svc", agent: false };
      get(`${gate.admissionUrl}/readyz`, options, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => done({ status: response.statusCode, body: JSON.parse(text) }));
      }).on("error", fail);
    });
  // The gate's clock stands at a moment before the certificate was made.
  expect(await readiness()).toMatchObject({
    status: 200,
    body: { certificate: expect.stringMatching(/^not valid before 20/) },
  });
  gate.setTime(new Date().toISOString());
  expect(await readiness()).toMatchObject({ status: 200, body: { ready: true, certificate: "ok" } });
  mount.replace({ "tls.crt": first.certificate, "tls.key": serving(authority).key });
  await until(async () => (await readiness()).body.certificate !== "ok");
  expect(await readiness()).toMatchObject({
    status: 200,
    body: { certificate: expect.stringMatching(/^stale since 20/) },
  });
  expect((await gate.get("/metrics")).text).toContain("plangate_admission_tls_stale 1");
});

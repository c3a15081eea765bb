import type { ChildProcess } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadGateKeys } from "../src/adapters/gate-keys.ts";
import { passIssuer } from "../src/adapters/passes/passes.ts";
import { newAuthority } from "../test/support/certificates.ts";
import { type PostgresServer, startPostgres } from "../test/support/postgres-server.ts";
import { send } from "./load.ts";
import { ended, listening, start } from "./processes.ts";
import { reviewMix } from "./reviews.ts";

const perSecond = 500;
const connections = 50;
const seconds = 6;
const rounds = 3;
/** Until V8 has compiled what runs often: a gate that has run for a while is what is measured. */
const warmUpSeconds = 15;
const headers = { "content-type": "application/json" };
const imageDigest = `sha256:${"ab".repeat(32)}`;

/** Milliseconds from the moment at which a review was due to its answer. */
export interface Latency {
  median: number;
  p99: number;
}

export interface AdmissionBench {
  gate: Latency;
  /** An express handler on TLS that parses the review and answers a constant. */
  bare: Latency;
  /** The gate while its database is stopped. */
  gateWithoutDatabase: Latency;
}

/** One gate process at a steady rate of reviews, whether it keeps up or not, and a bare handler at the same rate, in turns. */
export async function benchAdmission(root: string): Promise<AdmissionBench> {
  const folder = mkdtempSync(join(tmpdir(), "plangate-bench-admission-"));
  const children: ChildProcess[] = [];
  let server: PostgresServer | undefined;
  try {
    // A gate's spool is flushed to its own disk; PostgreSQL has another, on another machine, which this one cannot stand in for.
    server = await startPostgres({ major: 18, settings: { fsync: "off", shared_buffers: "128MB" } });
    const authority = newAuthority("bench");
    const { certificate, key } = authority.issue({ name: "localhost", dnsNames: ["localhost"] });
    writeFileSync(join(folder, "tls.crt"), certificate);
    writeFileSync(join(folder, "tls.key"), key);
    const next = reviewMix(await passFor(folder), imageDigest);
    const bare = start(children, root, ["-e", bareHandler, folder], {});
    const gate = start(children, root, gateArguments(root, folder), { STORE_URL: server.url });
    const urls = {
      bare: await listening(bare, /https:\/\/[^ ]+/),
      gate: (await listening(gate, /https:\/\/[^ ]+/)).replace("{environment}", "production"),
    };
    const agent = new Agent({
      keepAlive: true,
      maxSockets: connections,
      ca: authority.certificate,
      servername: "localhost",
    });
    const run = (url: string, time: number) => steadyLoad(url, agent, time, next);
    for (const url of Object.values(urls)) await run(url, warmUpSeconds);
    const runs: { gate: Latency; bare: Latency }[] = [];
    for (let round = 0; round < rounds; round++) {
      runs.push({ bare: await run(urls.bare, seconds), gate: await run(urls.gate, seconds) });
    }
    await server.stop("immediate");
    await sleep(1_000);
    const without: Latency[] = [];
    for (let round = 0; round < rounds; round++) without.push(await run(urls.gate, seconds));
    agent.destroy();
    return {
      gate: middle(runs.map((one) => one.gate)),
      bare: middle(runs.map((one) => one.bare)),
      gateWithoutDatabase: middle(without),
    };
  } finally {
    for (const child of children) await ended(child);
    await server?.cleanup();
    rmSync(folder, { recursive: true });
  }
}

/** Makes the gate's key, and a pass of its signature that lasts longer than the bench. */
async function passFor(folder: string): Promise<string> {
  const [key] = await loadGateKeys([], join(folder, "data"));
  const now = Math.floor(Date.now() / 1000);
  return passIssuer("plangate", key).issue({
    iss: "plangate",
    aud: "plangate-admission",
    sub: "orders",
    env: "production",
    commit: "9f1c2e7",
    images: [imageDigest],
    migrations: [],
    dec: "dec_bench",
    iat: now,
    nbf: now,
    exp: now + 3_600,
    changes: ["deploy"],
    durationMs: 600_000,
    rollback: false,
    waivedFreezes: [],
  });
}

const bareHandler = `
  const express = require("express"); const https = require("node:https"); const { readFileSync } = require("node:fs");
  const folder = process.argv[1]; const app = express();
  app.post("/admission/:environment", express.json({ limit: "8mb" }), (request, response) => {
    response.json({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: { uid: request.body.request.uid, allowed: true } });
  });
  const server = https.createServer({ cert: readFileSync(folder + "/tls.crt"), key: readFileSync(folder + "/tls.key") }, app);
  server.keepAliveTimeout = 100000;
  server.listen(0, "127.0.0.1", () => console.log("https://127.0.0.1:" + server.address().port + "/admission/production"));`;

function gateArguments(root: string, folder: string): string[] {
  const config = join(folder, "plangate.yaml");
  const policyDirectory = join(folder, "policies");
  cpSync(join(root, "policies"), policyDirectory, { recursive: true });
  // Open on whatever day it is measured.
  writeFileSync(join(policyDirectory, "deploy-hours.yaml"), alwaysOpen);
  const lines = [
    "gate: { dataDir: data }",
    "listen: { api: { port: 0 }, admission: { address: 127.0.0.1, port: 0, tls: { cert: tls.crt, key: tls.key } } }",
    "database: { urlEnv: STORE_URL }",
    `policies: { directory: ${JSON.stringify(policyDirectory)} }`,
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  return [join(root, "dist/plangate.js"), "serve", "--config", config];
}

const alwaysOpen = `
version: 1
policy: deploy-hours
appliesTo: { environments: [production], changes: [deploy, data] }
enforcement: deny
changeWindow: { timeZone: America/New_York, allow: [{ days: Mon-Sun, from: "00:00", to: "24:00" }], expectedDuration: 5m }
rules: {}
`;

/** Sends each review when it is due, and counts from then, also where it waits for a free connection. Throws where an answer is not 200. */
async function steadyLoad(url: string, agent: Agent, time: number, next: (index: number) => Buffer): Promise<Latency> {
  const times: number[] = [];
  const answers: Promise<unknown>[] = [];
  const failures: unknown[] = [];
  const begin = performance.now();
  const count = perSecond * time;
  for (let index = 0; index < count; ) {
    const due = begin + (index * 1000) / perSecond;
    if (performance.now() < due) {
      await sleep(1);
      continue;
    }
    const body = next(index);
    const answered = () => void times.push(performance.now() - due);
    answers.push(send(url, agent, { body, headers }).then(answered, (error: unknown) => void failures.push(error)));
    index += 1;
  }
  await Promise.all(answers);
  if (failures.length > 0) throw new Error(`${failures.length} of ${count} reviews failed`, { cause: failures[0] });
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { median: at(0.5), p99: at(0.99) };
}

function middle(latencies: readonly Latency[]): Latency {
  const of = (read: (latency: Latency) => number) => {
    const sorted = latencies.map(read).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  return { median: of(({ median }) => median), p99: of(({ p99 }) => p99) };
}

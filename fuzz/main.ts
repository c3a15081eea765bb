import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startPostgres } from "../test/support/postgres-server.ts";
import { randomRequests, type Sent } from "./requests.ts";

/**
 * 100,000 random requests, tokens and headers against a gate in a process of its own: no 500, no answer that takes longer than ten
 * seconds, no memory that grows with their number. `npm run fuzz -- 20000` sends fewer.
 */
const wanted = Number(process.argv[2] ?? 100_000);
const connections = 16;
const slowMs = 10_000;
const secret = Buffer.alloc(32, 9);
const agent = new Agent({ keepAlive: true, maxSockets: connections });

void main();

async function main(): Promise<void> {
  const root = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), "plangate-fuzz-"));
  const server = await startPostgres({ major: 18 });
  const gate = startGate(root, folder, server.url);
  try {
    const url = await listening(gate);
    const memory: number[] = [];
    const statuses = new Map<number, number>();
    let slowest = 0;
    for (let sent = 0; sent < wanted; sent += 500) {
      const batch = [...randomRequests(secret, sent)];
      await inParallel(batch, async (one) => {
        const started = performance.now();
        const status = await send(url, one);
        slowest = Math.max(slowest, performance.now() - started);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 500) throw new Error(`500 for ${one.method} ${one.path} ${one.body.toString().slice(0, 500)}`);
      });
      if ((sent + 500) % (wanted / 10) === 0) memory.push(residentMegabytes(gate));
    }
    report(statuses, slowest, memory);
  } finally {
    gate.kill("SIGTERM");
    await once(gate, "exit");
    agent.destroy();
    await server.cleanup();
    rmSync(folder, { recursive: true });
  }
}

function report(statuses: ReadonlyMap<number, number>, slowest: number, memory: readonly number[]): void {
  const counts = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  process.stdout.write(`${wanted} requests; ${counts.join(", ")}\n`);
  process.stdout.write(`slowest answer ${slowest.toFixed(0)} ms\n`);
  process.stdout.write(`resident memory after each tenth (MiB): ${memory.join(", ")}\n`);
  // The first measurements hold the warming up.
  const early = Math.max(...memory.slice(0, 3));
  const late = memory.at(-1) ?? 0;
  if (slowest > slowMs || late > early * 1.5) {
    process.stdout.write("FAILED: an answer took too long, or memory grows\n");
    process.exitCode = 1;
  }
}

function startGate(root: string, folder: string, storeUrl: string): ChildProcess {
  const config = join(folder, "plangate.yaml");
  const lines = [
    "listen: { api: { port: 0 } }",
    "database: { urlEnv: STORE_URL }",
    `policies: { directory: ${JSON.stringify(join(root, "policies"))} }`,
    'callers: [{ name: ci, secrets: [CI_SECRET], services: ["*"], environments: ["*"], may: [request, push-evidence, read] }]',
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  return spawn(process.execPath, [join(root, "dist/plangate.js"), "serve", "--config", config], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, STORE_URL: storeUrl, CI_SECRET: `whsec_${secret.toString("base64")}` },
  });
}

async function listening({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("no output");
  for await (const line of createInterface({ input: stdout })) {
    const [url] = /http:\/\/[^ ]+/.exec(line) ?? [];
    if (url !== undefined) {
      stdout.resume();
      return url;
    }
  }
  throw new Error("the gate ended before it listened");
}

async function inParallel(batch: readonly Sent[], run: (one: Sent) => Promise<void>): Promise<void> {
  const queue = batch.values();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (const one of queue) await run(one);
    }),
  );
}

function send(url: string, { method, path, headers, body }: Sent): Promise<number> {
  return new Promise((done, fail) => {
    const outgoing = request(`${url}${path}`, {
      method,
      agent,
      timeout: slowMs,
      headers: { ...headers, "content-length": body.length },
    });
    outgoing.on("response", (response) => {
      response.resume();
      response.on("end", () => done(response.statusCode ?? 0));
      response.on("error", fail);
    });
    outgoing.on("timeout", () =>
      outgoing.destroy(new Error(`no answer within ${slowMs} ms: ${body.toString().slice(0, 500)}`)),
    );
    outgoing.on("error", fail);
    outgoing.end(body);
  });
}

function residentMegabytes({ pid }: ChildProcess): number {
  const [, kilobytes = "0"] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}

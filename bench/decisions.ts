import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signMessage } from "../src/adapters/callers/standard-webhooks.ts";
import { type PostgresServer, query, startPostgres } from "../test/support/postgres-server.ts";
import { type Load, load } from "./load.ts";
import { ended, listening, start } from "./processes.ts";

const connections = 50;
const seconds = 4;
const rounds = 3;
/** Until then the compiler is still at work, on the larger program for longer. */
const warmUpSeconds = 10;
const secret = Buffer.alloc(32, 7);

/** A server's load with what it is against the bare handler's of the same round. */
export interface Measured extends Load {
  name: string;
  /** Share of the bare handler's throughput: more is better. */
  throughput: number;
  /** Against the bare handler's p99: less is better. */
  p99Ratio: number;
}

/**
 * `POST /v1/decisions` with signature check, SQL parsing, evaluation and a durable chained entry, against an express handler that does one
 * INSERT per request. All on one PostgreSQL that flushes its commits, in processes of their own, in turns. Every request has a migration of
 * its own.
 */
export async function benchDecisions(root: string): Promise<Measured[]> {
  const folder = mkdtempSync(join(tmpdir(), "plangate-bench-decisions-"));
  const children: ChildProcess[] = [];
  let server: PostgresServer | undefined;
  try {
    server = await startPostgres({ major: 18, settings: { fsync: "on", shared_buffers: "128MB" } });
    await query(
      server.url,
      "CREATE TABLE requests (id bigserial PRIMARY KEY, at timestamptz DEFAULT now(), body jsonb NOT NULL)",
    );
    const env = { STORE_URL: server.url, CI_SECRET: `whsec_${secret.toString("base64")}` };
    const gate = gateArguments(root, folder);
    const urlOf = (args: readonly string[]) => listening(start(children, root, args, env));
    const servers = new Map([
      [bareName, `${await urlOf(["-e", bareHandler, server.url])}/`],
      ["gate", `${await urlOf(gate)}${decisionsPath}`],
      [`gate, node ${youngGeneration}`, `${await urlOf([youngGeneration, ...gate])}${decisionsPath}`],
    ]);
    const run = (url: string, time: number) => load({ url, connections, seconds: time, next: signedRequest });
    for (const url of servers.values()) await run(url, warmUpSeconds);
    const runs: Map<string, Load>[] = [];
    for (let round = 0; round < rounds; round++) {
      const loads = new Map<string, Load>();
      for (const [name, url] of servers) loads.set(name, await run(url, seconds));
      runs.push(loads);
    }
    return [...servers.keys()].map((name) => medians(name, runs));
  } finally {
    for (const child of children) await ended(child);
    await server?.cleanup();
    rmSync(folder, { recursive: true });
  }
}

const bareName = "express with one INSERT";
const decisionsPath = "/v1/decisions?mode=json";
/** MiB; what many requests at once leave behind is cheaper to collect in a larger young generation than Node's 16. */
const youngGeneration = "--max-semi-space-size=32";

let sent = 0;

/** No two requests are the same, so nothing is gained by remembering what became of one. */
function signedRequest() {
  const n = ++sent;
  const table = `returns_${n}`;
  const sql = [
    `CREATE TABLE ${table} (id bigint PRIMARY KEY, order_id bigint NOT NULL, reason varchar(${(n % 200) + 20}));`,
    `CREATE INDEX CONCURRENTLY idx_${table}_order ON ${table} (order_id);`,
  ];
  const body = Buffer.from(
    JSON.stringify({
      service: "orders",
      environment: "production",
      commit: (n * 2_654_435_761).toString(16),
      migrations: [{ path: `migrations/${n}_${table}.sql`, sql: `${sql.join("\n")}\n` }],
    }),
  );
  const headers = signMessage(secret, randomUUID(), new Date(), body);
  return { body, headers: { "content-type": "application/json", ...headers } };
}

const bareHandler = `
  const express = require("express"); const { Pool } = require("pg");
  const pool = new Pool({ connectionString: process.argv[1], max: 10 });
  const app = express();
  app.post("/", express.json(), async (request, response) => {
    const { rows } = await pool.query("INSERT INTO requests (body) VALUES ($1) RETURNING id", [request.body]);
    response.json({ id: rows[0].id });
  });
  const server = app.listen(0, "127.0.0.1", () => console.log("http://127.0.0.1:" + server.address().port));`;

function gateArguments(root: string, folder: string): string[] {
  const config = join(folder, "plangate.yaml");
  const lines = [
    "listen: { api: { port: 0 } }",
    "database: { urlEnv: STORE_URL }",
    `policies: { directory: ${JSON.stringify(join(root, "policies"))} }`,
    'callers: [{ name: ci, secrets: [CI_SECRET], services: ["*"], environments: ["*"], may: [request] }]',
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  return [join(root, "dist/plangate.js"), "serve", "--config", config];
}

function medians(name: string, runs: readonly ReadonlyMap<string, Load>[]): Measured {
  const none = { requestsPerSecond: Number.NaN, median: Number.NaN, p99: Number.NaN };
  const pairs = runs.map((loads) => ({ own: loads.get(name) ?? none, bare: loads.get(bareName) ?? none }));
  const middle = (of: (pair: { own: Load; bare: Load }) => number) => {
    const sorted = pairs.map(of).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  return {
    name,
    requestsPerSecond: middle(({ own }) => own.requestsPerSecond),
    median: middle(({ own }) => own.median),
    p99: middle(({ own }) => own.p99),
    throughput: middle(({ own, bare }) => own.requestsPerSecond / bare.requestsPerSecond),
    p99Ratio: middle(({ own, bare }) => own.p99 / bare.p99),
  };
}

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

export interface DecisionsBench {
  gate: Load;
  bare: Load;
  /** The gate's share of the bare handler's throughput: more is better. */
  throughput: number;
  /** The gate's p99 against the bare handler's: less is better. */
  p99: number;
}

/**
 * `POST /v1/decisions` with signature check, SQL parsing, evaluation and a durable chained entry, against an express handler that does one
 * INSERT per request. Both on one PostgreSQL that flushes its commits, in processes of their own, in turns. Every request has a migration of
 * its own.
 */
export async function benchDecisions(root: string): Promise<DecisionsBench> {
  const folder = mkdtempSync(join(tmpdir(), "plangate-bench-decisions-"));
  const children: ChildProcess[] = [];
  let server: PostgresServer | undefined;
  try {
    server = await startPostgres({ major: 18, settings: { fsync: "on", shared_buffers: "128MB" } });
    await query(
      server.url,
      "CREATE TABLE requests (id bigserial PRIMARY KEY, at timestamptz DEFAULT now(), body jsonb NOT NULL)",
    );
    const bare = start(children, root, ["-e", bareHandler, server.url], {});
    const gate = start(children, root, gateArguments(root, folder), {
      STORE_URL: server.url,
      CI_SECRET: `whsec_${secret.toString("base64")}`,
    });
    const urls = { bare: `${await listening(bare)}/`, gate: `${await listening(gate)}/v1/decisions?mode=json` };
    const run = (url: string, time: number) => load({ url, connections, seconds: time, next: signedRequest });
    for (const url of Object.values(urls)) await run(url, warmUpSeconds);
    const runs: { gate: Load; bare: Load }[] = [];
    for (let round = 0; round < rounds; round++) {
      runs.push({ bare: await run(urls.bare, seconds), gate: await run(urls.gate, seconds) });
    }
    return summary(runs);
  } finally {
    for (const child of children) await ended(child);
    await server?.cleanup();
    rmSync(folder, { recursive: true });
  }
}

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

function summary(runs: readonly { gate: Load; bare: Load }[]): DecisionsBench {
  const middle = (of: (run: { gate: Load; bare: Load }) => number) => {
    const sorted = runs.map(of).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  const medians = (kind: "gate" | "bare"): Load => ({
    requestsPerSecond: middle((run) => run[kind].requestsPerSecond),
    median: middle((run) => run[kind].median),
    p99: middle((run) => run[kind].p99),
  });
  return {
    gate: medians("gate"),
    bare: medians("bare"),
    throughput: middle(({ gate, bare }) => gate.requestsPerSecond / bare.requestsPerSecond),
    p99: middle(({ gate, bare }) => gate.p99 / bare.p99),
  };
}

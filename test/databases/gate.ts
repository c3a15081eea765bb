import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import pino from "pino";
import request from "supertest";
import { loadConfig } from "../../src/adapters/config/config.ts";
import type { Decision } from "../../src/core/decision.ts";
import { startGate } from "../../src/entry/http/start-gate.ts";
import { query, startPostgres } from "../support/postgres-server.ts";

const policies: Record<string, string> = {
  "pulled.yaml": `version: 1
policy: pulled
appliesTo: { environments: [production], changes: [schema] }
enforcement: deny
minTrust: pulled
rules:
  index-usage: { observedFor: 1s }
`,
  "asserted.yaml": `version: 1
policy: asserted
appliesTo: { environments: [staging], changes: [schema] }
enforcement: deny
rules:
  index-usage: { observedFor: 1s }
`,
};

/** One database per entry: its nodes by name, with the URL of each. */
export type Databases = Record<string, { nodes: Record<string, string>; systemIdentifier?: string }>;

export interface ReadingGate {
  /** Everything that it logged. */
  logged(): string;
  /** The clock goes on from here by itself. */
  advance(minutes: number): void;
  decide(database: string | null, sql: string, more?: object): Promise<Decision>;
  get(path: string): Promise<{ status: number; text: string }>;
  post(path: string, body: unknown): Promise<{ status: number; text: string }>;
  /** How often a node was read. */
  reads(node: string, result: "ok" | "failed"): Promise<number>;
  /** Asks the gate's own database. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** A gate on a database server of its own, which reads the servers that it is given. It runs on the real clock. */
export async function startReadingGate(databases: Databases): Promise<ReadingGate> {
  const folder = mkdtempSync(join(tmpdir(), "plangate-reading-"));
  mkdirSync(join(folder, "policies"));
  for (const [name, text] of Object.entries(policies)) writeFileSync(join(folder, "policies", name), text);
  const store = await startPostgres({ major: 18 });
  const { yaml, env } = configuration(databases);
  const config = loadConfig(yaml, join(folder, "plangate.yaml"), { ...env, STORE: store.url });
  let offsetMs = 0;
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const gate = await startGate(config, {
    clock: { now: () => new Date(Date.now() + offsetMs) },
    log: pino(sink),
    timeZoneDatabase: "test",
    onFirstStart: () => {},
  });
  const get = async (path: string) => {
    const { status, text } = await request(gate.url).get(path);
    return { status, text };
  };
  return {
    logged: () => lines.join(""),
    advance: (minutes) => {
      offsetMs += minutes * 60_000;
    },
    async decide(database, sql, more = {}) {
      const body = {
        service: "orders",
        environment: "production",
        commit: "9f1c2e7",
        ...(database !== null && { database }),
      };
      const response = await request(gate.url)
        .post("/v1/decisions?mode=json")
        .send({ ...body, migrations: [{ path: "m.sql", sql }], ...more });
      if (response.status !== 200) throw new Error(`${response.status} ${response.text}`);
      return response.body;
    },
    get,
    async post(path, body) {
      const { status, text } = await request(gate.url)
        .post(path)
        .send(body as object);
      return { status, text };
    },
    async reads(node, result) {
      const { text } = await get("/metrics");
      const line = text
        .split("\n")
        .find(
          (candidate) =>
            candidate.startsWith("plangate_database_reads_total") &&
            candidate.includes(`node="${node}",result="${result}"`),
        );
      return Number(line?.split(" ").at(-1) ?? 0);
    },
    query: (sql) => query(store.url, sql),
    async stop() {
      await gate.stop();
      await store.cleanup();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configuration(databases: Databases): { yaml: string; env: Record<string, string> } {
  const env: Record<string, string> = {};
  const entries = Object.entries(databases).map(([name, { nodes, systemIdentifier }]) => ({
    name,
    ...(systemIdentifier !== undefined && { systemIdentifier }),
    nodes: Object.entries(nodes).map(([node, url]) => {
      const urlEnv = `URL_${Object.keys(env).length}`;
      env[urlEnv] = url;
      return { name: node, urlEnv };
    }),
  }));
  const listen = { api: { address: "127.0.0.1", port: 0 } };
  const services = [{ name: "billing", database: "orders" }];
  // JSON is YAML.
  return { yaml: JSON.stringify({ database: { urlEnv: "STORE" }, listen, databases: entries, services }), env };
}

/** What the rule index-usage says. */
export function usageFinding(decision: Decision): { outcome: string; message: string } {
  const found = decision.findings.find(({ ruleId }) => ruleId === "index-usage");
  if (found === undefined) throw new Error(`index-usage says nothing: ${JSON.stringify(decision)}`);
  return { outcome: found.outcome, message: found.message };
}

export interface HungServer {
  url: string;
  connections(): number;
  /** Resolves when there has been a connection. */
  connected: Promise<void>;
  stop(): Promise<void>;
}

/** A server that takes connections and never answers. */
export async function startHungServer(): Promise<HungServer> {
  const sockets: Socket[] = [];
  let tell = () => {};
  const connected = new Promise<void>((done) => {
    tell = done;
  });
  const server = createServer((socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
    tell();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `postgresql://plangate@127.0.0.1:${address.port}/orders`,
    connections: () => sockets.length,
    connected,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

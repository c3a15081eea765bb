import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startCollected } from "../collect/collector.ts";
import { type PostgresServer, query, startStandby, waitForReplay } from "../support/postgres-server.ts";

/** Follows docs/walk-through.md to the letter on real servers: writes its files, runs its commands, expects its exit codes. */
const root = join(__dirname, "../..");
const text = readFileSync(join(root, "docs/walk-through.md"), "utf8");

interface Block {
  language: string;
  /** A file's path, or "exit=2". */
  argument: string;
  body: string;
}
const blocks: Block[] = [...text.matchAll(/^```(\w+) ?(\S*)\n([\s\S]*?)^```$/gm)].map(
  ([, language = "", argument = "", body = ""]) => ({
    language,
    argument,
    body,
  }),
);

const schema = `
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint NOT NULL, status text NOT NULL, created_at timestamptz NOT NULL);
INSERT INTO orders SELECT n, n % 1000 + 1, CASE WHEN n % 10 = 0 THEN 'paid' ELSE 'new' END,
    timestamptz '2026-01-01' + n * interval '1 second' FROM generate_series(1, 100000) AS n;
CREATE INDEX idx_orders_user_id ON orders (user_id);
CREATE INDEX idx_orders_user_id_ca ON orders (user_id, status, created_at);
`;
const latestPaid = "SELECT * FROM orders WHERE user_id = 7 AND status = 'paid' ORDER BY created_at DESC LIMIT 20";

let folder: string;
const servers: PostgresServer[] = [];
const urls: Record<string, string> = {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "plangate-walk-"));
  const primary = await startCollected(18);
  servers.push(primary);
  await query(primary.url, schema);
  await query(primary.url, "VACUUM ANALYZE");
  const clone = await startStandby(primary);
  servers.push(clone);
  await waitForReplay(primary, clone);
  await query(clone.url, "SELECT pg_promote()");
  const replica = await startStandby(primary);
  servers.push(replica);
  await waitForReplay(primary, replica);
  await query(primary.url, "SELECT pg_stat_statements_reset()");
  await query(replica.url, "SELECT pg_stat_statements_reset()");
  const asCollector = ({ url }: PostgresServer) => url.replace("postgres@", "plangate_collector@");
  Object.assign(urls, {
    PRIMARY_URL: asCollector(primary),
    REPLICA_URL: asCollector(replica),
    CLONE_URL: clone.url,
    APPLICATION_URL: replica.url,
  });
  await sleep(5_500);
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.cleanup()));
  rmSync(folder, { recursive: true, force: true });
});

function shell(commands: string): Promise<{ status: number | null; output: string }> {
  const plangate = `plangate() { "${process.execPath}" "${join(root, "dist/plangate.js")}" "$@"; }\n`;
  const child = spawn("bash", ["-e", "-c", plangate + commands], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...urls },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((done) => child.on("close", (status) => done({ status, output })));
}

/** The application goes on meanwhile: the replica answers its query again and again. */
async function whileQueried<T>(work: () => Promise<T>): Promise<T> {
  let over = false;
  const application = (async () => {
    while (!over) {
      await query(urls.APPLICATION_URL ?? "", latestPaid);
      await sleep(200);
    }
  })();
  try {
    return await work();
  } finally {
    over = true;
    await application;
  }
}

test("every command does what the text says", () =>
  whileQueried(async () => {
    const outputs: string[] = [];
    for (const { language, argument, body } of blocks) {
      if (["yaml", "sql"].includes(language) && argument !== "") {
        mkdirSync(dirname(join(folder, argument)), { recursive: true });
        writeFileSync(join(folder, argument), body);
      }
      if (language !== "sh" || body.startsWith("alias")) continue;
      const { status, output } = await shell(body);
      outputs.push(output);
      expect({ body, status, output }).toEqual({
        body,
        status: argument === "exit=2" ? 2 : 0,
        output: expect.any(String),
      });
    }
    const last = outputs.at(-1) ?? "";
    expect(last).toContain("idx_orders_user_id_ca on orders is in use");
    expect(outputs.filter((output) => /^APPROVED/m.test(output))).toHaveLength(1);
  }));

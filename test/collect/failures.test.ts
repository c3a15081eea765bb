import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { parseEvidence } from "../../src/core/evidence/bundle.ts";
import { parseJson } from "../../src/core/json.ts";
import { cli } from "../cli/run.ts";
import { type PostgresServer, query } from "../support/postgres-server.ts";
import { collectFrom, startCollected, urlOf } from "./collector.ts";

const secret = "canary-of-the-password";

let server: PostgresServer;
let older: PostgresServer;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "plangate-collect-"));
  [server, older] = await Promise.all([startCollected(18), startCollected(13)]);
  await query(server.url, `CREATE ROLE guarded LOGIN PASSWORD '${secret}'; GRANT pg_monitor TO guarded`);
  const rules = join(server.dataDir, "pg_hba.conf");
  writeFileSync(rules, `host all guarded 127.0.0.1/32 scram-sha-256\n${readFileSync(rules, "utf8")}`);
  await query(server.url, "SELECT pg_reload_conf()");
});
afterAll(async () => {
  await Promise.all([server?.cleanup(), older?.cleanup()]);
  rmSync(folder, { recursive: true });
});

const collect = (...args: string[]) => cli(["evidence", "collect", ...args], { cwd: folder });

describe("plangate evidence collect", () => {
  it("prints one bundle per server, in order, as an evidence file, and what it found on stderr", async () => {
    const { code, stdout, stderr } = await collect("--server", `b=${urlOf(server)}`, "--server", `a=${urlOf(server)}`);
    expect(code).toBe(0);
    const bundles = parseEvidence(parseJson(stdout, "stdout"), "stdout", "asserted");
    expect(bundles.map(({ bundle }) => bundle.server.name)).toEqual(["b", "a"]);
    expect(stderr).toMatch(
      /^plangate: b: primary, PostgreSQL 18\.\d+; \d+ tables; \d+ indexes, counted since 20.*Z; \d+ statements$/m,
    );
  });

  it("takes the URL from the environment and writes a file", async () => {
    const url = urlOf(server, "guarded").replace("guarded@", `guarded:${secret}@`);
    const world = { cwd: folder, env: { PRIMARY_URL: url } };
    const args = ["evidence", "collect", "--server", "a=env:PRIMARY_URL", "--values", "none", "--out", "evidence.json"];
    const { code, stdout, stderr } = await cli(args, world);
    expect([code, stdout]).toEqual([0, ""]);
    const text = readFileSync(join(folder, "evidence.json"), "utf8");
    const [first] = parseEvidence(parseJson(text, "file"), "file", "asserted");
    expect(first?.bundle.statistics?.values).toBe("none");
    expect(text + stderr).not.toContain(secret);
    expect(readdirSync(folder)).toEqual(["evidence.json"]);
  });

  it.each([
    [["--server", "a=env:NOT_SET"], "a: the environment variable NOT_SET is not set; set it to the server's URL"],
    [
      ["--server", `postgresql://u:${secret}@127.0.0.1/x`],
      "the name is missing; give NAME=postgresql://user@host:port/database",
    ],
    [["--server", `a=mysql://u:${secret}@127.0.0.1/x`], "a: this is not the URL of a PostgreSQL server"],
    [
      ["--server", `a=postgresql://u:12/${secret}@127.0.0.1/x`],
      "the URL cannot be taken apart; write each of / ? # @ : %",
    ],
    [["--server", `a=postgresql://u:x@1/${secret}@127.0.0.1/x`], "the URL cannot be taken apart"],
    [["--server", `a=postgresql://u:12#${secret}@127.0.0.1/x`], "the URL cannot be taken apart"],
    [["--server", "a=postgresql://h/x", "--server", "a=postgresql://i/x"], "the name a is given twice"],
    [[], "no server is named; give --server NAME=URL"],
    [["--server", "a=postgresql://h/x", "--values", "some"], "Allowed choices are low-cardinality, all, none"],
  ])("refuses %j", async (args, message) => {
    const { code, stdout, stderr } = await collect(...args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain(secret);
  });
});

describe("what goes wrong is told with the server's name, and leaves no bundle", () => {
  /** Writes over nothing, prints nothing, and shows no password, with --debug neither. */
  async function refusal(...servers: string[]): Promise<string> {
    const file = join(folder, "kept.json");
    writeFileSync(file, "kept");
    const options = servers.flatMap((text) => ["--server", text]);
    const { code, stdout, stderr } = await collect(...options, "--out", "kept.json", "--debug");
    expect([code, stdout, readFileSync(file, "utf8")]).toEqual([1, "", "kept"]);
    expect(stderr).not.toContain(secret);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    return stderr.split("\n    at ")[0] ?? "";
  }

  it("a wrong password", async () => {
    const url = urlOf(server, "guarded").replace("guarded@", `guarded:${secret}x@`);
    expect(await refusal(`a=${url}`)).toContain(
      `a (127.0.0.1:${server.port}/postgres): the password was refused: password authentication failed for user "guarded"`,
    );
  });

  it("no server there, beside one that is", async () => {
    const stderr = await refusal(`a=${urlOf(server)}`, `b=postgresql://u:${secret}@127.0.0.1:1/x`);
    expect(stderr).toContain("b (127.0.0.1:1/x): nothing listens there (ECONNREFUSED); check host and port");
  });

  it("several failures, all of them", async () => {
    const stderr = await refusal("a=postgresql://127.0.0.1:1/x", "b=postgresql://127.0.0.1:1/y");
    expect(stderr).toMatch(/a \(127.0.0.1:1\/x\): .*\nb \(127.0.0.1:1\/y\): /);
  });

  it("no such database", async () => {
    expect(await refusal(`a=${urlOf(server, "plangate_collector", "nowhere")}`)).toContain("there is no such database");
  });

  it("servers of different clusters", async () => {
    const stderr = await refusal(`a=${urlOf(server)}`, `b=${urlOf(older)}`);
    expect(stderr).toMatch(
      /The servers are not of one cluster: a is of cluster \d+, b is of cluster \d+\. Collect each/,
    );
  });

  it("a restart in the middle", async () => {
    const lock = await lockedView();
    const outcome = refusal(`a=${urlOf(server)}`);
    await waiting();
    await server.restart();
    expect(await outcome).toContain("the server is being shut down or restarted");
    await lock.end().catch(() => undefined);
    expect((await collectFrom(server)).version).toBe(1);
  });
});

it("a lock is waited for only so long", async () => {
  const lock = await lockedView();
  const timeouts = { lock: 100 };
  await expect(collectFrom(server, { timeouts })).rejects.toThrow(/node \(.*\): a lock was not to be had in time/);
  await lock.end();
});

it("a statement takes only so long", async () => {
  const lock = await lockedView();
  const timeouts = { lock: 60_000, statement: 100 };
  await expect(collectFrom(server, { timeouts })).rejects.toThrow(/a statement took longer than the timeout/);
  await lock.end();
});

it("a server that accepts and never answers costs one timeout", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
  // listen() on a port gives an address with one.
  const { port } = silent.address() as AddressInfo;
  const mute = { ...server, port };
  await expect(collectFrom(mute, { timeouts: { connect: 200 } })).rejects.toThrow(
    `node (127.0.0.1:${port}/postgres): the server accepts connections but did not answer within 0 s`,
  );
  for (const socket of sockets) socket.destroy();
  await new Promise((done) => silent.close(done));
});

it("a server that falls silent in the middle costs one timeout", async () => {
  const sockets: Socket[] = [];
  const proxy = createServer((client) => {
    const upstream = connect(server.port, "127.0.0.1");
    sockets.push(client, upstream);
    upstream.pipe(client);
    client.on("data", (data) => {
      if (!data.includes("pg_stat_replication")) upstream.write(data);
    });
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  // As above.
  const { port } = proxy.address() as AddressInfo;
  await expect(collectFrom({ ...server, port }, { timeouts: { statement: 100 } })).rejects.toThrow(
    /^node \(.*\): the server accepts connections but did not answer within 2 s; see whether/,
  );
  for (const socket of sockets) socket.destroy();
  await new Promise((done) => proxy.close(done));
});

/** A view under an exclusive lock: printing its definition waits. */
async function lockedView(): Promise<Client> {
  await query(server.url, "CREATE TABLE IF NOT EXISTS locked (n int); GRANT SELECT ON locked TO plangate_collector");
  await query(server.url, "CREATE OR REPLACE VIEW reads_locked AS SELECT n FROM locked");
  const client = new Client({ connectionString: server.url });
  client.on("error", () => undefined);
  await client.connect();
  await client.query("BEGIN; LOCK TABLE locked IN ACCESS EXCLUSIVE MODE");
  return client;
}

async function waiting(): Promise<void> {
  const sql = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'plangate' AND wait_event_type = 'Lock'";
  while ((await query(server.url, sql)).length === 0) await new Promise((done) => setTimeout(done, 20));
}

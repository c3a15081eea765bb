import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { advisoryLockSpace } from "../../src/adapters/store/migrate.ts";
import type { Store } from "../../src/adapters/store/store.ts";
import { databaseUrl, openSampleStore } from "../audit/chain.ts";
import { cli } from "../cli/run.ts";
import { sampleRecord } from "../store/samples.ts";
import { type PostgresServer, query, startPostgres } from "../support/postgres-server.ts";
import { sampleAdmission, sampleAdmissions } from "./samples.ts";
import { cleanup, newFolder, startSpool, until } from "./spool-process.ts";

let server: PostgresServer;
let url: string;
let store: Store;
let databases = 0;
beforeAll(async () => {
  server = await startPostgres({ major: 18 });
});
/** A database of its own for each test. */
beforeEach(async () => {
  databases += 1;
  await query(server.url, `CREATE DATABASE gate_${databases}`);
  url = databaseUrl(server, `gate_${databases}`);
  store = await openSampleStore(url);
});
afterEach(async () => {
  await cleanup();
  await store.close();
});
afterAll(() => server.cleanup());

const storedIds = async () =>
  (await query(url, "SELECT id FROM plangate.admissions ORDER BY audit_sequence")).map(({ id }) => String(id));
const untilStored = (count: number) => until(async () => (await storedIds()).length === count);
const verified = async () => (await cli(["audit", "verify", "--database-url", url])).stdout.split("\n")[0];
const filesOf = (directory: string) => readdirSync(directory).filter((name) => name.startsWith("admissions-"));

test("what was recorded before and after the store is open enters the chain in its order, with both moments", async () => {
  const directory = newFolder();
  const spool = startSpool(directory);
  const [before, after] = [sampleAdmission(), sampleAdmission({ at: "2026-03-11T12:29:59.900Z" })];
  await spool.record([before]);
  await spool.drainTo(url);
  await untilStored(1);
  await spool.record([after]);
  await untilStored(2);
  const rows = await query(url, "SELECT body FROM plangate.audit_entries ORDER BY sequence");
  const recordedAt = "2026-03-11T12:30:00.000Z";
  expect(rows.map(({ body }) => JSON.parse(String(body)))).toEqual(
    [before, after].map((admission, index) => ({
      version: 1,
      sequence: index + 1,
      previousHash: expect.any(String),
      kind: "admission",
      admission,
      recordedAt,
    })),
  );
  expect(await verified()).toMatch(/^ok {6}2 entries, 0 decisions, 2 admissions;/);
  await until(async () => (await spool.backlog()).records === 0);
  await spool.close();
  expect(readdirSync(directory)).toEqual([]);
});

test("while the database is stopped records wait, and the spool says so; when it is there again they enter the chain", async () => {
  const spool = startSpool(newFolder());
  await spool.drainTo(url);
  await spool.record(sampleAdmissions(3));
  await untilStored(3);
  await server.stop("fast");
  try {
    expect(await spool.record(sampleAdmissions(500))).toEqual(Array.from({ length: 500 }, () => null));
    await spool.until((event) => event.kind === "drain-failed" && event.failures === 2);
    expect((await spool.backlog()).records).toBe(500);
  } finally {
    await server.restart();
  }
  await untilStored(503);
  await until(async () => (await spool.backlog()).bytes === 0);
  expect(await verified()).toMatch(/^ok {6}503 entries, 0 decisions, 503 admissions;/);
});

test("a spool that was full takes records again when the store has what it held", async () => {
  const spool = startSpool(newFolder(), { maxBytes: 50_000 });
  const first = (await spool.record(sampleAdmissions(200))).filter((outcome) => outcome === null).length;
  expect(first).toBeLessThan(200);
  await spool.drainTo(url);
  await untilStored(first);
  await until(async () => (await spool.check()) === null);
  expect(await spool.record(sampleAdmissions(20))).toEqual(Array.from({ length: 20 }, () => null));
  await untilStored(first + 20);
});

test("killed when the database had committed and the file was still there, it writes nothing twice", async () => {
  const directory = newFolder();
  const spool = startSpool(directory);
  await spool.drainTo(url);
  const records = sampleAdmissions(300);
  await spool.record(records);
  await untilStored(300);
  await spool.kill9();
  expect(filesOf(directory)).toHaveLength(1);
  const next = startSpool(directory);
  expect((await next.backlog()).records).toBe(300);
  await next.drainTo(url);
  await next.record([sampleAdmission({ id: "adm_last" })]);
  await untilStored(301);
  expect(await storedIds()).toEqual([...records.map(({ id }) => id), "adm_last"]);
  expect(await verified()).toMatch(/^ok {6}301 entries, /);
  await until(() => filesOf(directory).length <= 1);
});

test("killed again and again while it records and drains, it loses nothing that it confirmed, and doubles nothing", async () => {
  const directory = newFolder();
  const confirmed: string[] = [];
  for (const round of ["a", "b", "c"]) {
    const spool = startSpool(directory);
    await spool.drainTo(url);
    spool.recordForever(`adm_${round}_`, sampleAdmission());
    await until(() => spool.recorded().length > 400);
    await spool.kill9();
    confirmed.push(...spool.recorded());
  }
  const last = startSpool(directory);
  await last.drainTo(url);
  await until(async () => (await last.backlog()).records === 0);
  const ids = await storedIds();
  expect(new Set(ids).size).toBe(ids.length);
  const stored = new Set(ids);
  expect(confirmed.filter((id) => !stored.has(id))).toEqual([]);
  expect(await verified()).toMatch(new RegExp(`^ok {6}${ids.length} entries, 0 decisions, ${ids.length} admissions;`));
});

test("two gates that drain into one database while decisions are recorded there keep one chain", async () => {
  const gates = [startSpool(newFolder()), startSpool(newFolder())];
  await Promise.all(gates.map((gate) => gate.drainTo(url)));
  const work = gates.map(async (gate) => {
    for (let round = 0; round < 20; round += 1) await gate.record(sampleAdmissions(20));
  });
  const decisions = Array.from({ length: 100 }, () => store.decisions.record(sampleRecord()));
  await Promise.all([...work, ...decisions]);
  await untilStored(800);
  expect(await verified()).toMatch(/^ok {6}900 entries, 100 decisions, 800 admissions;/);
});

test("two gates that were given the same records (a copied directory) write them once", async () => {
  const gates = [startSpool(newFolder()), startSpool(newFolder())];
  const records = sampleAdmissions(200);
  await Promise.all(gates.map((gate) => gate.record(records)));
  await Promise.all(gates.map((gate) => gate.drainTo(url)));
  await until(async () =>
    (await Promise.all(gates.map((gate) => gate.backlog()))).every(({ records }) => records === 0),
  );
  expect(await storedIds()).toHaveLength(200);
  expect(await verified()).toMatch(/^ok {6}200 entries, /);
});

describe("closing", () => {
  it("drains what is left", async () => {
    const directory = newFolder();
    const spool = startSpool(directory);
    await spool.drainTo(url);
    await spool.record(sampleAdmissions(50));
    await spool.close();
    expect(await storedIds()).toHaveLength(50);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("does not wait for ever: what the store did not take in time is there for the next start", async () => {
    const directory = newFolder();
    const spool = startSpool(directory, { closeWithinMs: 300 });
    await spool.record(sampleAdmissions(20));
    const client = new Client({ connectionString: url });
    await client.connect();
    // The lock that all who append to the chain wait for.
    await client.query("SELECT pg_advisory_lock($1, 2)", [advisoryLockSpace]);
    await spool.drainTo(url);
    await spool.close();
    expect(filesOf(directory)).toHaveLength(1);
    await client.end();
    // What it had begun ends, but the directory may be another process's by now: it is not touched.
    await untilStored(20);
    await sleep(300);
    expect(filesOf(directory)).toHaveLength(1);
    const next = startSpool(directory);
    await next.drainTo(url);
    await until(async () => (await next.backlog()).records === 0);
    await next.close();
    expect(filesOf(directory)).toEqual([]);
    expect(await verified()).toMatch(/^ok {6}20 entries, /);
  });
});

test.each<[string, string]>([
  ["NUL", "a\0b"],
  ["half of a surrogate pair", "a\ud800b"],
  ["what looks like SQL", "'); DROP TABLE plangate.admissions; --"],
  ["line breaks", "a\nb\r\nc\u2028d"],
  ["a text that no index would take", "x".repeat(1_000_000)],
])("%s in names holds nothing up, and the chain says exactly what was asked", async (_name, text) => {
  const spool = startSpool(newFolder());
  await spool.drainTo(url);
  const hostile = sampleAdmission({ name: text, user: text, service: text, namespace: text, problems: [text] });
  expect(await spool.record([hostile, sampleAdmission()])).toEqual([null, null]);
  await untilStored(2);
  const [row] = await query(url, "SELECT body FROM plangate.audit_entries WHERE sequence = 1");
  expect(JSON.parse(String(row?.body)).admission).toEqual(hostile);
  expect(await verified()).toMatch(/^ok {6}2 entries, /);
  const { namespace, kind, name, environment, templateDigest } = hostile;
  const template = { namespace, kind, name, environment, templateDigest: templateDigest ?? "" };
  expect(await store.admissions.wasAdmitted(template)).toBe(true);
});

test("lines that hold no record are set aside in their file, said, and hold nothing up", async () => {
  const directory = newFolder();
  const [first, second] = [sampleAdmission(), sampleAdmission()];
  const lines = [JSON.stringify(first), "no JSON", '{"id":"adm_x"}', JSON.stringify(second), ""];
  writeFileSync(join(directory, "admissions-000000000007.ndjson"), lines.join("\n"));
  const spool = startSpool(directory);
  await spool.drainTo(url);
  const file = "admissions-000000000007.ndjson.unreadable";
  await spool.until((event) => event.kind === "unreadable");
  expect(spool.events()).toContainEqual({ kind: "unreadable", file, lines: 2 });
  expect(await storedIds()).toEqual([first.id, second.id]);
  expect(readFileSync(join(directory, file), "utf8")).toBe(lines.join("\n"));
  await spool.record([sampleAdmission()]);
  expect(filesOf(directory)).toEqual([file, "admissions-000000000008.ndjson"]);
});

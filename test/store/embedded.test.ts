import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { lockDirectory } from "../../src/adapters/directory-lock.ts";
import { startEmbeddedPostgres } from "../../src/adapters/embedded/embedded-postgres.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plangate-embedded-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the lock of a data directory", () => {
  const lock = () => lockDirectory(folder, (holder) => new Error(`in use by ${holder}`));
  const lockFile = () => join(folder, "gate.lock");
  const noProcess = 2 ** 22 + 1; // more than Linux ever gives

  it("names its holder to the next gate, and is free once released", async () => {
    const held = await lock();
    await expect(lock()).rejects.toThrow(`in use by the gate with process id ${process.pid}`);
    held.release();
    (await lock()).release();
    expect(existsSync(lockFile())).toBe(false);
  });

  // Only Linux tells when a process started.
  const sameNumber = { pid: process.platform === "linux" ? 1 : noProcess, host: hostname(), started: "before/1" };
  it.each([
    ["a process that is gone", JSON.stringify({ pid: noProcess, host: hostname(), started: null })],
    ["another process with the same number", JSON.stringify(sameNumber)],
    ["a file that was cut short", '{"pid":'],
    ["an empty file", ""],
  ])("is taken over from %s", async (_name, content) => {
    writeFileSync(lockFile(), content);
    (await lock()).release();
  });

  it("is respected while another host keeps it up", async () => {
    writeFileSync(lockFile(), JSON.stringify({ pid: noProcess, host: "elsewhere", started: null }));
    await expect(lock()).rejects.toThrow(`process id ${noProcess} on elsewhere`);
  });

  it("goes to one of many that find it stale at once", async () => {
    writeFileSync(lockFile(), JSON.stringify({ pid: noProcess, host: hostname(), started: null }));
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => lock()));
    expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
});

describe("the embedded Postgres", () => {
  const start = (dataDirectory: string) =>
    startEmbeddedPostgres({ dataDirectory, onDeath: () => {}, onFirstStart: () => {} });

  it("starts over where a first start was killed half-way", async () => {
    mkdirSync(join(folder, "postgres.new/base"), { recursive: true });
    writeFileSync(join(folder, "postgres.new/PG_VERSION"), "18\n");
    const database = await start(folder);
    await database.stop();
    expect(existsSync(join(folder, "postgres.new"))).toBe(false);
  });

  it("works where the path is too long for a Unix socket, and gives its folder free when it fails to start", async () => {
    const deep = join(folder, "a".repeat(100), "b".repeat(100));
    const database = await start(deep);
    const client = new Client(database.connection);
    await client.connect();
    expect((await client.query("SELECT 1 AS n")).rows).toEqual([{ n: 1 }]);
    await client.end();
    await database.stop();

    writeFileSync(join(folder, "postgres"), "not a database");
    await expect(start(folder)).rejects.toMatchObject({ code: "embedded-postgres" });
    expect(existsSync(join(folder, "gate.lock"))).toBe(false);
  });
});

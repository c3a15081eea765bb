import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { sampleAdmission, sampleAdmissions } from "./samples.ts";
import { cleanup, newFolder, nobody, startSpool, until, writesOf } from "./spool-process.ts";

afterEach(cleanup);

/** The files of records that are in a spool. */
const segmentsOf = (directory: string) =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".ndjson"))
    .sort();
const recordsIn = (directory: string) =>
  segmentsOf(directory).flatMap((name) =>
    readFileSync(join(directory, name), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line)),
  );
const idsIn = (directory: string) => recordsIn(directory).map(({ id }) => id);

test("a record stands on disk when it is recorded, one line of JSON each, and counts as backlog", async () => {
  const directory = join(newFolder(), "made/by/the/spool");
  const spool = startSpool(directory);
  const records = sampleAdmissions(3);
  expect(await spool.record(records)).toEqual([null, null, null]);
  expect(recordsIn(directory)).toEqual(records);
  const bytes = records.map((record) => `${JSON.stringify(record)}\n`).join("").length;
  expect(await spool.backlog()).toEqual({ records: 3, bytes });
});

test("records that come at once are written together", async () => {
  const directory = newFolder();
  const spool = startSpool(directory);
  await spool.record([sampleAdmission()]);
  const before = writesOf(spool);
  await spool.record(sampleAdmissions(1000));
  expect(recordsIn(directory)).toHaveLength(1001);
  expect(writesOf(spool) - before).toBeLessThan(100);
});

test.each<[string, object]>([
  ["nothing", {}],
  ["an unknown key", { ...sampleAdmission(), other: 1 }],
  ["a moment that is none", sampleAdmission({ at: "yesterday" })],
])("%s is no record, and nothing is written", async (_name, record) => {
  const directory = newFolder();
  const spool = startSpool(directory);
  // The types of this program would not let it through.
  expect(await spool.record([record as ReturnType<typeof sampleAdmission>])).toMatchObject([{ code: "spool-failed" }]);
  expect(idsIn(directory)).toEqual([]);
});

describe("what an earlier process left", () => {
  it("stays, and new records go to a file of their own", async () => {
    const directory = newFolder();
    const first = startSpool(directory);
    const [kept, added] = [sampleAdmission(), sampleAdmission()];
    await first.record([kept]);
    await first.kill9();
    const second = startSpool(directory);
    expect((await second.backlog()).records).toBe(1);
    await second.record([added]);
    expect(idsIn(directory)).toEqual([kept.id, added.id]);
    expect(segmentsOf(directory)).toHaveLength(2);
    expect(second.events()).toEqual([]);
  });

  it.each([
    ["half a line", '{"id":"adm_half'],
    ["a whole record whose line break is missing", JSON.stringify(sampleAdmission())],
    ["what a crashed machine may leave", "\0".repeat(5000)],
  ])("loses %s at its end, and the spool says so", async (_name, tail) => {
    const directory = newFolder();
    const first = startSpool(directory);
    const kept = sampleAdmission();
    await first.record([kept]);
    await first.kill9();
    const [file = ""] = segmentsOf(directory);
    appendFileSync(join(directory, file), tail);
    const second = startSpool(directory);
    expect(await second.backlog()).toMatchObject({ records: 1 });
    expect(second.events()).toEqual([{ kind: "torn", file, bytes: tail.length }]);
    expect(idsIn(directory)).toEqual([kept.id]);
  });

  it("is whole when it was killed while it was writing: all that it had confirmed, in whole lines", async () => {
    const directory = newFolder();
    const spool = startSpool(directory);
    spool.recordForever("adm_", sampleAdmission({ problems: ["x".repeat(5000)] }));
    await until(() => spool.recorded().length > 500);
    await spool.kill9();
    const confirmed = spool.recorded();
    const next = startSpool(directory);
    const { records } = await next.backlog();
    const ids = idsIn(directory);
    expect(records).toBe(ids.length);
    expect(new Set(ids).size).toBe(ids.length);
    expect(confirmed.filter((id) => !ids.includes(id))).toEqual([]);
  });

  it("may be other files, which are left alone", async () => {
    const directory = newFolder();
    writeFileSync(join(directory, "notes.txt"), "by somebody");
    const spool = startSpool(directory);
    expect(await spool.record([sampleAdmission()])).toEqual([null]);
    expect(readFileSync(join(directory, "notes.txt"), "utf8")).toBe("by somebody");
  });
});

describe("while it cannot write", () => {
  it("a record fails on a full disk and leaves nothing behind; there is room again, and the next one is recorded", async () => {
    const directory = newFolder();
    const spool = startSpool(directory);
    const [before, after] = [sampleAdmission(), sampleAdmission()];
    await spool.record([before]);
    const held = (await spool.backlog()).bytes;
    // The first is written alone, the others together: two of their lines fit, and half of a third.
    spool.limitFileSize(Math.floor(held * 4.5));
    const [last, ...others] = sampleAdmissions(10);
    const [recorded, ...failed] = await spool.record([last ?? before, ...others]);
    expect(recorded).toBeNull();
    expect(failed).toEqual(
      Array.from({ length: 9 }, () => ({
        code: "spool-failed",
        message: `The admission could not be recorded in ${directory} (EFBIG)`,
        cause: "EFBIG",
      })),
    );
    expect(await spool.check()).toMatchObject({ code: "spool-failed", cause: "EFBIG" });
    expect(idsIn(directory)).toEqual([before.id, last?.id]);
    spool.limitFileSize(null);
    expect(await spool.check()).toBeNull();
    expect(await spool.record([after])).toEqual([null]);
    await spool.kill9();
    expect(idsIn(directory)).toEqual([before.id, last?.id, after.id]);
    const next = startSpool(directory);
    await next.opened();
    expect(next.events()).toEqual([]);
  });

  it("a record fails in a read-only directory, and the next one is recorded when it is writable again", async () => {
    const directory = newFolder();
    if (nobody.uid !== undefined) chownSync(directory, nobody.uid, nobody.gid);
    const spool = startSpool(directory, { asNobody: true });
    await spool.opened();
    chmodSync(directory, 0o555);
    expect(await spool.record([sampleAdmission()])).toMatchObject([{ code: "spool-failed", cause: "EACCES" }]);
    expect(await spool.check()).toMatchObject({ code: "spool-failed", cause: "EACCES" });
    chmodSync(directory, 0o755);
    expect(await spool.check()).toBeNull();
    const record = sampleAdmission();
    expect(await spool.record([record])).toEqual([null]);
    expect(idsIn(directory)).toEqual([record.id]);
  });

  it("is not opened in a read-only directory", async () => {
    const directory = newFolder();
    chmodSync(directory, 0o555);
    const spool = startSpool(directory, { asNobody: true });
    expect(await spool.opened()).toEqual({
      code: "spool-failed",
      message: `The admission spool ${directory} cannot be used (EACCES)`,
      cause: "EACCES",
    });
  });

  it("a record fails when its file was removed under the spool, which says what is lost; the next one is recorded", async () => {
    const directory = newFolder();
    const spool = startSpool(directory);
    await spool.record(sampleAdmissions(2));
    const [file = ""] = segmentsOf(directory);
    rmSync(join(directory, file));
    expect(await spool.record([sampleAdmission()])).toMatchObject([{ code: "spool-failed" }]);
    expect(spool.events()).toEqual([{ kind: "lost", file, records: 2 }]);
    const record = sampleAdmission();
    expect(await spool.record([record])).toEqual([null]);
    expect(idsIn(directory)).toEqual([record.id]);
  });
});

test("being asked again and again whether it can write costs no write each time", async () => {
  const spool = startSpool(newFolder());
  expect(await spool.check()).toBeNull();
  const before = writesOf(spool);
  for (let count = 0; count < 200; count += 1) expect(await spool.check()).toBeNull();
  // Each answer to this test is one write.
  expect(writesOf(spool) - before).toBeLessThan(300);
});

test("beyond its limit it takes nothing more, and says so before", async () => {
  const directory = newFolder();
  const spool = startSpool(directory, { maxBytes: 50_000 });
  expect(await spool.check()).toBeNull();
  const outcomes = await spool.record(sampleAdmissions(200));
  const recorded = outcomes.filter((outcome) => outcome === null).length;
  expect(recorded).toBeGreaterThan(50);
  const { bytes, records } = await spool.backlog();
  expect(records).toBe(recorded);
  expect(bytes).toBeLessThanOrEqual(50_000);
  expect(outcomes[199]).toMatchObject({
    code: "spool-failed",
    message: expect.stringMatching(/ is full: it holds \d+ of 50000 bytes that are not in the gate's database yet\./),
  });
  expect(await spool.check()).toMatchObject({ code: "spool-failed" });
  expect(idsIn(directory)).toHaveLength(recorded);
});

describe("a directory", () => {
  it("belongs to one process, and to the next when that one was killed", async () => {
    const directory = newFolder();
    const first = startSpool(directory);
    expect(await first.opened()).toBeNull();
    const second = startSpool(directory);
    expect(await second.opened()).toEqual({
      code: "spool-in-use",
      message: `The admission spool ${directory} is in use by the gate with process id ${first.pid}. Stop that gate, or give this one another admission.spoolDirectory.`,
      cause: null,
    });
    await first.kill9();
    const third = startSpool(directory);
    expect(await third.opened()).toBeNull();
    await third.close();
    expect(await startSpool(directory).opened()).toBeNull();
  });

  it("holds what was recorded when the spool is closed without a store, and takes nothing more", async () => {
    const directory = newFolder();
    const spool = startSpool(directory);
    const record = sampleAdmission();
    await spool.record([record]);
    await spool.close();
    await spool.close();
    expect(await spool.record([sampleAdmission()])).toMatchObject([{ code: "spool-failed" }]);
    expect(idsIn(directory)).toEqual([record.id]);
    expect(existsSync(join(directory, "gate.lock"))).toBe(false);
  });
});

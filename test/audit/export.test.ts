import { readFileSync } from "node:fs";
import { join } from "node:path";
import { canonicalJson, sha256Hex } from "../../src/core/digest.ts";
import { cli } from "../cli/run.ts";
import { query } from "../support/postgres-server.ts";
import { entries, type SampleChain, startSampleChain, writeIn } from "./chain.ts";

let chain: SampleChain;
let url: string;
beforeAll(async () => {
  chain = await startSampleChain();
  url = await chain.copy();
});
afterAll(() => chain.cleanup());

const exported = (...more: string[]) => cli(["audit", "export", "--database-url", url, ...more], { cwd: chain.folder });
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("an export has one entry a line, each with the hash of its canonical payload and of the entry before it", async () => {
  const { code, stdout } = await exported();
  expect(code).toBe(0);
  const lines = linesOf(stdout);
  expect(lines).toHaveLength(entries);
  let previous = "0".repeat(64);
  for (const [index, line] of lines.entries()) {
    expect(line).toEqual({
      sequence: index + 1,
      previous,
      hash: sha256Hex(canonicalJson(line.payload)),
      kind: "decision",
      payload: expect.objectContaining({ decisionId: `dec_${index + 1}` }),
    });
    previous = line.hash;
  }
});

test("--out writes the same to a file, and --decisions adds what the digests are of", async () => {
  await exported("--out", "audit.jsonl");
  expect(readFileSync(join(chain.folder, "audit.jsonl"), "utf8")).toBe((await exported()).stdout);
  const [line] = linesOf((await exported("--decisions")).stdout);
  expect(line.decision).toMatchObject({
    id: "dec_1",
    service: "orders",
    body: { id: "dec_1" },
    request: { service: "orders" },
  });
});

test("--checkpoints writes what the checkpoint file holds", async () => {
  expect((await exported("--checkpoints")).stdout).toBe(readFileSync(chain.checkpoints, "utf8"));
});

describe("verified offline", () => {
  const verify = (file: string) =>
    cli(["audit", "verify", file, "--checkpoints", chain.checkpoints, "--key", chain.publicKey]);
  const changed = async (change: (lines: string[]) => string[]) => {
    const { stdout } = await exported("--decisions");
    return verify(writeIn(chain.folder, "changed.jsonl", `${change(stdout.trimEnd().split("\n")).join("\n")}\n`));
  };
  const first = ({ code, stdout }: { code: number; stdout: string }) => ({ code, line: stdout.split("\n")[0] });

  test("an export as it was written holds", async () => {
    expect(first(await changed((lines) => lines))).toEqual({
      code: 0,
      line: expect.stringMatching(/^ok {6}8 entries, 8 decisions/),
    });
  });

  test.each<[string, (lines: string[]) => string[], string]>([
    ["a line that was taken out", (lines) => lines.filter((_, index) => index !== 3), "entry 4: it is missing"],
    ["two lines in another order", ([a = "", b = "", ...rest]) => [b, a, ...rest], "entry 1: it is missing"],
    [
      "a payload that was changed",
      (lines) =>
        lines.map((line, index) => (index === 3 ? line.replace('"service":"orders"', '"service":"billing"') : line)),
      "entry 4: its content was changed: the hash does not fit it",
    ],
    [
      "a decision that was changed",
      (lines) => lines.map((line, index) => (index === 3 ? line.replace('"allowed":true', '"allowed":false') : line)),
      "entry 4: the decision dec_4 was changed: its digest is not that of the entry",
    ],
    [
      "an end that was cut",
      (lines) => lines.slice(0, 5),
      "entry 6: it is missing: the chain ends at entry 5, but the checkpoint of 2026-03-11T12:00:00.000Z by orders-gate was made over entry 6",
    ],
  ])("%s is named", async (_name, change, expected) => {
    expect(first(await changed(change))).toEqual({ code: 2, line: `FAILED  ${expected}` });
  });

  test.each([
    ["no JSON", "{", "line 1"],
    ["another document", '{"sequence":0}', "line 1"],
    [
      "a payload that is nested too deeply",
      `{"sequence":1,"previous":"","hash":"","kind":"","payload":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
      "line 1",
    ],
  ])("%s is no export", async (_name, content, place) => {
    const { code, stderr } = await verify(writeIn(chain.folder, "other.jsonl", content));
    expect(code).toBe(1);
    expect(stderr).toContain(`${place}: is not an entry`);
  });
});

test("a database without a store is told so", async () => {
  const { code, stderr } = await cli(["audit", "verify", "--database-url", chain.server.url]);
  expect(code).toBe(1);
  expect(stderr).toContain("no plangate store");
  expect(await query(chain.server.url, "SELECT to_regnamespace('plangate') AS schema")).toEqual([{ schema: null }]);
});

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadGateKeys } from "../../src/adapters/gate-keys.ts";
import { cli } from "../cli/run.ts";
import { newPrivateKey, writeIn } from "./chain.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plangate-keys-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a gate without configured keys makes one, readable by its owner alone, and keeps it", async () => {
  const [made] = await loadGateKeys([], folder);
  const [again] = await loadGateKeys([], folder);
  expect(made).toMatchObject({ algorithm: "ES256", kid: expect.stringMatching(/^gate-[0-9a-f]{16}$/) });
  expect(again.kid).toBe(made.kid);
  expect(statSync(join(folder, "keys/gate.private.pem")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(folder, "keys/gate.public.pem"), "utf8")).toContain("BEGIN PUBLIC KEY");
});

test("gates that start at once in one directory have the same key", async () => {
  const keys = await Promise.all(Array.from({ length: 10 }, () => loadGateKeys([], folder)));
  expect(new Set(keys.map(([{ kid }]) => kid)).size).toBe(1);
});

test("the first of the configured keys signs", async () => {
  const pem = (name: string) => writeIn(folder, name, newPrivateKey());
  const given = ["new", "old"].map((kid) => ({ kid, privateKeyFile: pem(`${kid}.pem`) }));
  expect((await loadGateKeys(given, folder)).map(({ kid }) => kid)).toEqual(["new", "old"]);
});

test.each([
  ["that is missing", "missing.pem", "there is no such file"],
  ["that is no key", "other.pem", "must hold a private key"],
])("--check-config refuses a key %s", async (_name, file, expected) => {
  writeIn(folder, "other.pem", "hello");
  writeIn(
    folder,
    "plangate.yaml",
    `keys: [{ kid: a, privateKeyFile: ${file} }]\npolicies: { directory: ${join(__dirname, "../http/policies")} }\n`,
  );
  const { code, stderr } = await cli(["serve", "--check-config"], { cwd: folder });
  expect(code).toBe(1);
  expect(stderr).toContain(expected);
});

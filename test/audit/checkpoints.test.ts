import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { loadGateKeys } from "../../src/adapters/gate-keys.ts";
import { clockAt, noon, sampleRecord } from "../store/samples.ts";
import { query } from "../support/postgres-server.ts";
import { openSampleStore, type SampleChain, startSampleChain } from "./chain.ts";

let chain: SampleChain;
beforeAll(async () => {
  chain = await startSampleChain();
});
afterAll(() => chain.cleanup());

const tokens = (file: string) => readFileSync(file, "utf8").trim().split("\n");

async function openMaker(url: string, file: string | null) {
  const store = await openSampleStore(url);
  const [key] = await loadGateKeys([], chain.folder);
  return { store, maker: await store.openCheckpoints({ key, gate: "orders-gate", file, clock: clockAt(noon) }) };
}

test("a checkpoint is made only where the chain has moved on", async () => {
  const { store, maker } = await openMaker(await chain.copy(), null);
  expect(await maker.make()).toMatchObject({ sequence: 8, gate: "orders-gate" });
  expect(await maker.make()).toBeNull();
  await store.decisions.record(sampleRecord());
  expect(await maker.make()).toMatchObject({ sequence: 9 });
  await store.close();
});

test("checkpoints that could not be written to the file are written with the next", async () => {
  const folder = join(chain.folder, "mounted");
  mkdirSync(folder);
  const file = join(folder, "checkpoints.txt");
  const { store, maker } = await openMaker(await chain.copy(), file);
  rmSync(folder, { recursive: true });
  await expect(maker.make()).rejects.toMatchObject({ code: "unwritable-file" });
  mkdirSync(folder);
  expect(await maker.make()).toBeNull();
  expect(tokens(file)).toHaveLength(1);
  await store.close();
});

test("a checkpoint file that cannot be used is said at the start", async () => {
  const url = await chain.copy();
  await expect(openMaker(url, join(chain.folder, "no/such/directory.txt"))).rejects.toMatchObject({
    code: "unwritable-file",
  });
});

test.each([
  [
    "its tail was cut",
    "DELETE FROM plangate.decisions WHERE audit_sequence > 4; DELETE FROM plangate.audit_entries WHERE sequence > 4",
  ],
  [
    "an entry that was signed was rewritten",
    "UPDATE plangate.audit_entries SET hash = repeat('0', 64) WHERE sequence = 6",
  ],
])("a gate signs nothing any more where %s, though the database's checkpoints are gone", async (_name, tampering) => {
  const url = await chain.copy();
  await query(url, `SET session_replication_role = replica; ${tampering}; TRUNCATE plangate.audit_checkpoints`);
  const before = tokens(chain.checkpoints);
  const { store, maker } = await openMaker(url, chain.checkpoints);
  await expect(maker.make()).rejects.toMatchObject({ code: "audit-chain-rewritten" });
  await expect(maker.make()).rejects.toMatchObject({ code: "audit-chain-rewritten" });
  expect(tokens(chain.checkpoints)).toEqual(before);
  await store.close();
});

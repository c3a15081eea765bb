import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type GateKeyConfig, loadGateKeys } from "../../src/adapters/gate-keys.ts";
import { clockAt, noon, sampleRecord } from "../store/samples.ts";
import { query } from "../support/postgres-server.ts";
import { newPrivateKey, openSampleStore, type SampleChain, startSampleChain, writeIn } from "./chain.ts";

let chain: SampleChain;
beforeAll(async () => {
  chain = await startSampleChain();
});
afterAll(() => chain.cleanup());

const tokens = (file: string) => readFileSync(file, "utf8").trim().split("\n");

async function openMaker(url: string, file: string | null, configured: readonly GateKeyConfig[] = []) {
  const store = await openSampleStore(url);
  const keys = await loadGateKeys(configured, chain.folder);
  return { store, maker: await store.openCheckpoints({ keys, gate: "orders-gate", file, clock: clockAt(noon) }) };
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

test("a key that took over holds the chain to what its predecessor signed, as long as that is listed", async () => {
  const url = await chain.copy();
  await query(url, "SET session_replication_role = replica; DELETE FROM plangate.audit_entries WHERE sequence > 4");
  const successor = { kid: "new", privateKeyFile: writeIn(chain.folder, "new.pem", newPrivateKey()) };
  const predecessor = { kid: "old", publicKeyFile: chain.publicKey };
  const { store, maker } = await openMaker(url, null, [successor, predecessor]);
  await expect(maker.make()).rejects.toMatchObject({ code: "audit-chain-rewritten" });
  await store.close();
});

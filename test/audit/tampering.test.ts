import { readFileSync } from "node:fs";
import { Client } from "pg";
import { beforeTheFirst } from "../../src/adapters/store/audit-chain.ts";
import { canonicalJson, digestOf, sha256Hex } from "../../src/core/digest.ts";
import { cli } from "../cli/run.ts";
import { query } from "../support/postgres-server.ts";
import { type SampleChain, startSampleChain, writeIn } from "./chain.ts";

let chain: SampleChain;
beforeAll(async () => {
  chain = await startSampleChain();
});
afterAll(() => chain.cleanup());

/** As a superuser who has switched off triggers and foreign keys. */
async function tamper(url: string, statements: string): Promise<void> {
  await query(url, `SET session_replication_role = replica; ${statements}`);
}

const verify = (url: string, ...more: string[]) => cli(["audit", "verify", "--database-url", url, ...more]);
const withCheckpoints = () => ["--checkpoints", chain.checkpoints, "--key", chain.publicKey];

test("an untouched chain holds, and what came after the last exported checkpoint is said to be unprotected", async () => {
  const result = await verify(await chain.copy(), ...withCheckpoints());
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(result.stdout.replace(/hash [0-9a-f]{64}/, "hash …")).toBe(
    [
      "ok      8 entries, 8 decisions; the last is 8, hash …",
      "ok      2 checkpoints with a good signature",
      "note    unprotected: entries 7 to 8 are newer than the last checkpoint from elsewhere, so who can write to the database could cut or rewrite them unnoticed",
      "note    no role but the tables' owner was granted to write here, so the gates themselves could change what they have recorded",
      "",
    ].join("\n"),
  );
});

const entriesTable = "plangate.audit_entries";
const drop = (constraint: string) => `ALTER TABLE ${entriesTable} DROP CONSTRAINT ${constraint} CASCADE;`;

describe("without any checkpoint, `audit verify` names the place of", () => {
  test.each<[string, string, string]>([
    [
      "an UPDATE of an entry",
      `UPDATE ${entriesTable} SET body = replace(body, 'orders', 'billing') WHERE sequence = 4`,
      "entry 4: its content was changed: the hash does not fit it",
    ],
    [
      "an UPDATE of an entry's columns",
      `UPDATE ${entriesTable} SET kind = 'note' WHERE sequence = 4`,
      "entry 4: its columns differ from its content",
    ],
    [
      "an UPDATE of a decision",
      "UPDATE plangate.decisions SET body = replace(body::text, 'approved', 'rejected')::json WHERE id = 'dec_4'",
      "entry 4: the decision dec_4 was changed: its digest is not that of the entry",
    ],
    [
      "an UPDATE of the request of a decision",
      `UPDATE plangate.decisions SET request = '{"service":"billing"}' WHERE id = 'dec_4'`,
      "entry 4: the request of the decision dec_4 was changed: its digest is not that of the entry",
    ],
    [
      "an UPDATE of a decision's columns",
      "UPDATE plangate.decisions SET environment = 'staging', commit_id = 'c0ffee' WHERE id = 'dec_4'",
      "entry 4: the decision dec_4 was changed: its environment, commit in the table differs from the entry",
    ],
    [
      "an UPDATE of a decision's id",
      "UPDATE plangate.decisions SET id = 'dec_x' WHERE id = 'dec_4'",
      "entry 4: the decision dec_4 is stored as dec_x",
    ],
    ["a DELETE of an entry", `DELETE FROM ${entriesTable} WHERE sequence = 4`, "entry 4: it is missing"],
    [
      "a DELETE of several entries",
      `DELETE FROM ${entriesTable} WHERE sequence IN (4, 5)`,
      "entry 4: it is missing, and so are all up to 5",
    ],
    ["a DELETE of the head", `DELETE FROM ${entriesTable} WHERE sequence = 1`, "entry 1: it is missing"],
    [
      "a DELETE of a decision",
      "DELETE FROM plangate.decisions WHERE id = 'dec_4'",
      "entry 4: its decision dec_4 is missing",
    ],
    [
      "a decision without an entry",
      `INSERT INTO plangate.decisions SELECT 'dec_x', 99, evaluated_at, caller, service, environment, action, commit_id, decision, not_after, request_digest, request, body FROM plangate.decisions WHERE id = 'dec_4'`,
      "entry 99: the decision dec_x refers to it, but no entry of this number is about a decision",
    ],
    [
      "entries in another order",
      `UPDATE ${entriesTable} SET sequence = -1 WHERE sequence = 4; UPDATE ${entriesTable} SET sequence = 4 WHERE sequence = 5; UPDATE ${entriesTable} SET sequence = 5 WHERE sequence = -1`,
      "entry 4: it does not continue the chain: the hash in it is not that of entry 3",
    ],
    [
      "an entry that was put in twice",
      `${drop("audit_entries_pkey")} ${drop("audit_entries_hash_key")} ${drop("audit_entries_previous_hash_key")} INSERT INTO ${entriesTable} SELECT * FROM ${entriesTable} WHERE sequence = 4`,
      "entry 4: it occurs more than once",
    ],
    [
      "content that is no canonical JSON",
      `UPDATE ${entriesTable} SET body = body || ' ', hash = encode(sha256(convert_to(body || ' ', 'UTF8')), 'hex') WHERE sequence = 8`,
      "entry 8: its content is not that of an audit entry in canonical JSON (RFC 8785)",
    ],
  ])("%s", async (_name, statements, expected) => {
    const url = await chain.copy();
    await tamper(url, `ALTER TABLE ${entriesTable} DROP CONSTRAINT audit_entries_sequence_check; ${statements}`);
    const { code, stdout } = await verify(url);
    expect(code).toBe(2);
    expect(stdout.split("\n")[0]).toBe(`FAILED  ${expected}`);
  });
});

describe("with checkpoints from elsewhere, `audit verify` names the place of", () => {
  test.each<[string, string, string]>([
    [
      "a TRUNCATE of everything",
      `TRUNCATE ${entriesTable} CASCADE; TRUNCATE plangate.audit_checkpoints`,
      "entry 1: it is missing: the chain is empty, but the checkpoint of 2026-03-11T12:00:00.000Z by orders-gate was made over entry 6",
    ],
    [
      "a tail that was cut before the last checkpoint",
      `DELETE FROM plangate.decisions WHERE audit_sequence > 5; DELETE FROM ${entriesTable} WHERE sequence > 5; TRUNCATE plangate.audit_checkpoints`,
      "entry 6: it is missing: the chain ends at entry 5, but the checkpoint of 2026-03-11T12:00:00.000Z by orders-gate was made over entry 6",
    ],
  ])("%s", async (_name, statements, expected) => {
    const url = await chain.copy();
    await tamper(url, statements);
    // Neither breaks the chain itself.
    expect(await verify(url)).toMatchObject({ code: 0 });
    const { code, stdout } = await verify(url, ...withCheckpoints());
    expect(code).toBe(2);
    expect(stdout.split("\n")[0]).toBe(`FAILED  ${expected}`);
  });

  test("a chain that was forged from one entry on, with every hash and digest computed anew", async () => {
    const url = await chain.copy();
    await forge(url, 5);
    expect(await verify(url)).toMatchObject({ code: 0 });
    const { code, stdout } = await verify(url, ...withCheckpoints());
    expect(code).toBe(2);
    expect(stdout.split("\n")[0]).toBe(
      "FAILED  entry 6: it is not the entry that the checkpoint of 2026-03-11T12:00:00.000Z by orders-gate was made over: the chain was rewritten somewhere after entry 3",
    );
  });

  test("a tail that was cut after the last checkpoint: not noticed, which is why it is called unprotected", async () => {
    const url = await chain.copy();
    await tamper(
      url,
      `DELETE FROM plangate.decisions WHERE audit_sequence > 6; DELETE FROM ${entriesTable} WHERE sequence > 6`,
    );
    expect(await verify(url, ...withCheckpoints())).toMatchObject({ code: 0 });
  });
});

/** What an attacker does who knows everything but the checkpoint key: makes dec_FROM a rejection, and all later entries fit. */
async function forge(url: string, from: number): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(
    "SET session_replication_role = replica; DELETE FROM plangate.audit_checkpoints WHERE sequence > 5",
  );
  const { rows: decisions } = await client.query("SELECT body FROM plangate.decisions WHERE id = $1", [`dec_${from}`]);
  const body = { ...decisions[0].body, decision: "rejected", allowed: false };
  await client.query("UPDATE plangate.decisions SET body = $2, decision = 'rejected' WHERE id = $1", [
    `dec_${from}`,
    body,
  ]);
  const { rows } = await client.query(`SELECT sequence, hash, body FROM ${entriesTable} ORDER BY sequence`);
  let previousHash = beforeTheFirst;
  for (const row of rows) {
    const sequence = Number(row.sequence);
    const changed = sequence === from ? { decision: "rejected", decisionDigest: digestOf(body) } : {};
    const text = canonicalJson({ ...JSON.parse(row.body), ...changed, previousHash });
    await client.query(`UPDATE ${entriesTable} SET body = $2, hash = $3, previous_hash = $4 WHERE sequence = $1`, [
      sequence,
      text,
      sha256Hex(text),
      previousHash,
    ]);
    previousHash = sha256Hex(text);
  }
  await client.end();
}

describe("checkpoints that prove nothing", () => {
  const lines = () => readFileSync(chain.checkpoints, "utf8").trim().split("\n");
  const replaced = (token: string, part: number, value: string) =>
    token
      .split(".")
      .map((old, index) => (index === part ? value : old))
      .join(".");
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

  test.each<[string, (token: string) => string, RegExp]>([
    [
      "a changed one",
      (token) =>
        replaced(
          token,
          1,
          encoded({ gate: "orders-gate", sequence: 1, hash: "0".repeat(64), at: "2026-03-11T12:00:00.000Z" }),
        ),
      /was not signed with a known checkpoint key/,
    ],
    [
      "one without a signature",
      (token) =>
        replaced(replaced(token, 0, encoded({ alg: "none", kid: "x", typ: "plangate-checkpoint+jws" })), 2, ""),
      /has no signature/,
    ],
    [
      "one of another algorithm",
      (token) => replaced(token, 0, encoded({ alg: "HS256", kid: "x", typ: "plangate-checkpoint+jws" })),
      /is not a checkpoint of a gate/,
    ],
    [
      "a token of another kind",
      (token) => replaced(token, 0, encoded({ alg: "ES256", kid: "x", typ: "plangate-override+jwt" })),
      /is not a checkpoint of a gate/,
    ],
    ["something else", () => "hello", /is not a signed token/],
  ])("%s fails the verification", async (_name, change, expected) => {
    const [first = "", ...others] = lines();
    const file = writeIn(chain.folder, "changed.txt", [change(first), ...others].join("\n"));
    const { code, stdout } = await verify(await chain.copy(), "--checkpoints", file, "--key", chain.publicKey);
    expect(code).toBe(2);
    expect(stdout).toMatch(/^FAILED {2}the checkpoint file, number 1: /);
    expect(stdout).toMatch(expected);
  });

  test("checkpoints without a key are refused", async () => {
    const { code, stderr } = await verify(await chain.copy(), "--checkpoints", chain.checkpoints);
    expect(code).toBe(1);
    expect(stderr).toContain("--checkpoints proves nothing without --key");
  });
});

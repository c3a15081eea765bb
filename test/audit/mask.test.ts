import { openStore, type Store } from "../../src/adapters/store/store.ts";
import { digestOf } from "../../src/core/digest.ts";
import { cli } from "../cli/run.ts";
import { clockAt, noon, sampleRecord } from "../store/samples.ts";
import { type PostgresServer, query, startPostgres } from "../support/postgres-server.ts";

let server: PostgresServer;
let store: Store;
beforeAll(async () => {
  server = await startPostgres({ major: 18 });
  store = await openStore({
    connection: { connectionString: server.url },
    maxConnections: 4,
    onConnectionError: () => {},
    clock: clockAt(noon),
    evidenceRetentionMs: null,
    masked: ["commits[].message"],
  });
});
afterAll(async () => {
  await store.close();
  await server.cleanup();
});

const jws = `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.${"x".repeat(86)}`;

const record = async (request: object) => {
  const sample = sampleRecord();
  await store.decisions.record({ ...sample, request: { ...sample.request, ...request } });
  const [row] = await query(
    server.url,
    `SELECT request, entry.body::json AS entry FROM plangate.decisions AS decision
     JOIN plangate.audit_entries AS entry ON entry.sequence = audit_sequence WHERE id = $1`,
    [sample.decision.id],
  );
  // An entry as audit.ts writes it.
  return { request: row?.request, entry: row?.entry as { masked?: string[]; requestRecordDigest: string } };
};

test.each([
  ["a signed token", { description: `approved with ${jws}` }, "description", "approved with [masked]"],
  ["a webhook secret", { description: "key whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }, "description", "key [masked]"],
  ["a token of a code host", { description: `ghp_${"a1".repeat(18)}` }, "description", "ghp_[masked]"],
  [
    "a password in a URL",
    { migrations: [{ path: "a.sql", sql: "-- postgres://app:hunter2@db/orders" }] },
    "migrations[0].sql",
    "-- postgres://app:[masked]@db/orders",
  ],
  [
    "a private key",
    { description: "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----" },
    "description",
    "[masked]",
  ],
  [
    "a text that plangate.yaml names",
    { commits: [{ sha: "a", message: "salaries" }] },
    "commits[0].message",
    "[masked]",
  ],
])("%s is not stored, and the entry says where one was", async (_name, given, path, expected) => {
  const { request, entry } = await record(given);
  expect(entry.masked).toEqual([path]);
  expect(JSON.stringify(request)).toContain(JSON.stringify(expected));
  expect(entry.requestRecordDigest).toBe(digestOf(request));
});

test("everything else is stored as it came", async () => {
  const given = {
    description: "see https://example.com/a@b and mail dev@example.com // note: x@y",
    pipeline: { url: "https://ci/1" },
  };
  const { request, entry } = await record(given);
  expect(request).toMatchObject(given);
  expect(entry).not.toHaveProperty("masked");
});

test("hostile texts of several megabytes take no time worth mentioning", async () => {
  const size = 2_000_000;
  for (const part of ["-eyJ", "eyJaaaaaaaa.", "//a:", "whsec_", "-----BEGIN A", "://:@"]) {
    await record({ description: part.repeat(size / part.length) });
  }
});

test("a chain with masked requests verifies", async () => {
  expect(await cli(["audit", "verify", "--database-url", server.url])).toMatchObject({ code: 0 });
});

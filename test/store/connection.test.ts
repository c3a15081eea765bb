import { Client } from "pg";
import { openDatabase } from "../../src/adapters/store/connection.ts";
import { advisoryLockSpace } from "../../src/adapters/store/migrate.ts";
import { openStore } from "../../src/adapters/store/store.ts";
import { query } from "../support/postgres-server.ts";
import { realDatabase } from "./databases.ts";
import { clockAt, noon, sampleRecord } from "./samples.ts";

let database: Awaited<ReturnType<typeof realDatabase>>;
beforeAll(async () => {
  database = await realDatabase();
});
afterAll(() => database.cleanup());

const unavailable = { code: "store-unavailable" };

it("gives up a statement that takes too long, and goes on", async () => {
  const connection = openDatabase({ ...database.target, timeouts: { statement: 50 } });
  const slow = connection.transaction((client) => client.query("SELECT pg_sleep(3600)"));
  await expect(slow).rejects.toMatchObject({ ...unavailable, message: expect.stringContaining("SQLSTATE 57014") });
  await connection.transaction((client) => client.query("SELECT 1"));
  await connection.close();
});

it("records nothing while another holds the end of the chain for too long", async () => {
  const clock = clockAt(noon);
  const store = await openStore({ ...database.target, clock, evidenceRetentionMs: null, timeouts: { lock: 50 } });
  const other = new Client({ connectionString: database.server.url });
  await other.connect();
  await other.query("SELECT pg_advisory_lock($1, 2)", [advisoryLockSpace]);
  const record = sampleRecord();
  await expect(store.decisions.record(record)).rejects.toMatchObject(unavailable);
  await other.end();
  expect(await store.decisions.find(record.decision.id)).toBeNull();
  await store.decisions.record(record);
  await store.close();
});

it("commits durably where the server's default is not to", async () => {
  await query(database.server.url, "ALTER ROLE postgres SET synchronous_commit = off");
  const connection = openDatabase(database.target);
  const setting = await connection.transaction((client) => client.query("SHOW synchronous_commit"));
  expect(setting.rows).toEqual([{ synchronous_commit: "on" }]);
  await connection.close();
});

it.each([
  ["nobody listens", "postgresql://gate:hunter2@127.0.0.1:1/plangate"],
  ["the URL cannot be read", "postgresql://gate:hunter2@[/plangate"],
])("fails without a password in its message where %s", async (_name, connectionString) => {
  const target = { ...database.target, connection: { connectionString } };
  const opening = openStore({ ...target, clock: clockAt(noon), evidenceRetentionMs: null });
  await expect(opening).rejects.toMatchObject({ ...unavailable, message: expect.not.stringContaining("hunter2") });
});

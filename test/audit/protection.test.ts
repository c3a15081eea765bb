import { appendOnlyTables } from "../../src/adapters/store/append-only.ts";
import { cli } from "../cli/run.ts";
import { type PostgresServer, query, startPostgres } from "../support/postgres-server.ts";
import { databaseUrl, openSampleStore } from "./chain.ts";

/** `original` was made by `plangate migrate --gate-role plangate_gate`, and has no entries. */
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ major: 18 });
  await query(
    server.url,
    "CREATE ROLE plangate_owner LOGIN; CREATE ROLE plangate_gate LOGIN; CREATE ROLE reporting LOGIN",
  );
  await query(server.url, "CREATE DATABASE original OWNER plangate_owner");
  await migrate("original");
});
afterAll(() => server.cleanup());

async function migrate(database: string): Promise<void> {
  const url = databaseUrl(server, database, "plangate_owner");
  const result = await cli(["migrate", "--database-url", url, "--gate-role", "plangate_gate"]);
  if (result.code !== 0) throw new Error(result.stderr);
}

let copies = 0;
async function copy(): Promise<string> {
  copies += 1;
  await query(server.url, `CREATE DATABASE copy_${copies} TEMPLATE original OWNER plangate_owner`);
  return `copy_${copies}`;
}

async function verify(url: string) {
  const { code, stdout } = await cli(["audit", "verify", "--database-url", url]);
  const after = (word: string) =>
    stdout.split("\n").flatMap((line) => (line.startsWith(word) ? [line.slice("FAILED  ".length)] : []));
  return { code, failed: after("FAILED"), notes: after("note").filter((note) => !note.startsWith("unprotected")) };
}

const clean = { code: 0, failed: [], notes: [] };

/** What is said after statements of a superuser, to the superuser and to the gate's role alike. */
async function verifyAfter(statements: string): Promise<string[]> {
  const database = await copy();
  expect(await verify(databaseUrl(server, database))).toEqual(clean);
  await query(databaseUrl(server, database), statements);
  const result = await verify(databaseUrl(server, database));
  expect(result.code).toBe(2);
  expect(await verify(databaseUrl(server, database, "plangate_gate"))).toEqual(result);
  return result.failed;
}

test("the tables that are checked are all that have the trigger", async () => {
  const rows = await query(
    databaseUrl(server, "original"),
    "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE tgname = 'append_only' ORDER BY relname",
  );
  expect(rows.map(({ relname }) => relname)).toEqual([...appendOnlyTables]);
});

describe("`audit verify` names the table whose protection is gone", () => {
  const canBeChanged = "its rows can be changed and deleted";

  test.each([...appendOnlyTables])("%s, by DROP TRIGGER, DISABLE TRIGGER, or by hand in the catalog", async (table) => {
    const what = `the trigger append_only on plangate.${table}`;
    const name = `plangate.${table}`;
    expect(await verifyAfter(`DROP TRIGGER append_only ON ${name}`)).toEqual([`${what} is missing: ${canBeChanged}`]);
    for (const statement of [
      `ALTER TABLE ${name} DISABLE TRIGGER append_only`,
      `ALTER TABLE ${name} DISABLE TRIGGER USER`,
      `ALTER TABLE ${name} ENABLE REPLICA TRIGGER append_only`,
      `UPDATE pg_class SET relhastriggers = false WHERE oid = '${name}'::regclass`,
    ]) {
      expect(await verifyAfter(statement)).toEqual([`${what} is disabled: ${canBeChanged}`]);
    }
  });

  const remake = (definition: string) =>
    `DROP TRIGGER append_only ON plangate.decisions; CREATE TRIGGER append_only ${definition}`;
  test.each([
    ["without DELETE", "BEFORE UPDATE OR TRUNCATE ON plangate.decisions EXECUTE FUNCTION plangate.refuse_change()"],
    [
      "for one column",
      "BEFORE UPDATE OF service OR DELETE OR TRUNCATE ON plangate.decisions EXECUTE FUNCTION plangate.refuse_change()",
    ],
    [
      "with a condition",
      "BEFORE UPDATE OR DELETE ON plangate.decisions WHEN (current_user <> 'postgres') EXECUTE FUNCTION plangate.refuse_change()",
    ],
    [
      "that calls something else",
      "BEFORE UPDATE ON plangate.decisions FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ],
  ])("decisions, by a trigger of the same name %s", async (_name, definition) => {
    expect(await verifyAfter(remake(definition))).toEqual([
      "the trigger append_only on plangate.decisions was changed: it is not the one that plangate migrate makes",
    ]);
  });

  test.each([
    [
      "another body",
      "CREATE OR REPLACE FUNCTION plangate.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    ],
    ["a setting", "ALTER FUNCTION plangate.refuse_change() SET session_replication_role = 'replica'"],
    ["another's rights", "ALTER FUNCTION plangate.refuse_change() SECURITY DEFINER"],
  ])("all, by %s of the function", async (_name, statement) => {
    expect(await verifyAfter(statement)).toEqual([
      "the function plangate.refuse_change, which the triggers append_only call, was changed: it may refuse nothing",
    ]);
  });

  it("all, by a function that is gone with its triggers", async () => {
    expect(await verifyAfter("DROP FUNCTION plangate.refuse_change() CASCADE")).toEqual([
      ...appendOnlyTables.map((table) => `the trigger append_only on plangate.${table} is missing: ${canBeChanged}`),
      "the function plangate.refuse_change, which the triggers append_only call, is missing",
    ]);
  });

  it("all, by a setting of the database or of a role", async () => {
    const database = await copy();
    const setting = "SET session_replication_role = 'REPLICA'";
    await query(server.url, `ALTER DATABASE ${database} ${setting}`);
    await query(server.url, `ALTER ROLE reporting IN DATABASE ${database} ${setting}`);
    expect((await verify(databaseUrl(server, database))).failed).toEqual(
      ["the database", "the role reporting"].map(
        (where) => `session_replication_role = replica is set for ${where}: there no trigger append_only fires`,
      ),
    );
  });

  it("and a table that is gone", async () => {
    const database = await copy();
    await query(databaseUrl(server, database), "DROP TABLE plangate.consumed_overrides CASCADE");
    expect(await cli(["audit", "verify", "--database-url", databaseUrl(server, database)])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Missing: plangate.consumed_overrides."),
    });
  });
});

test("a setting for one session alone leaves no trace", async () => {
  const database = await copy();
  await query(
    databaseUrl(server, database),
    "SET session_replication_role = replica; DELETE FROM plangate.audit_checkpoints",
  );
  expect(await verify(databaseUrl(server, database))).toEqual(clean);
});

describe("`audit verify` names the role that may do more than a gate", () => {
  const gate = "plangate_gate";
  test.each<[string, string, string[]]>([
    [
      "by a grant",
      `GRANT DELETE, TRUNCATE ON plangate.decisions TO ${gate}`,
      [`the role ${gate} has DELETE, TRUNCATE on plangate.decisions`],
    ],
    [
      "by a grant on one column",
      `GRANT UPDATE (body) ON plangate.audit_entries TO ${gate}`,
      [`the role ${gate} has UPDATE on plangate.audit_entries`],
    ],
    [
      "by a grant to everybody",
      "GRANT TRIGGER ON plangate.consumed_overrides TO PUBLIC",
      [`the role ${gate} has TRIGGER on plangate.consumed_overrides`],
    ],
    [
      "in the schema",
      `GRANT CREATE ON SCHEMA plangate TO ${gate}`,
      [`the role ${gate} has CREATE on the schema plangate`],
    ],
    [
      "as the owner of a table",
      `ALTER TABLE plangate.audit_entries OWNER TO ${gate}`,
      [`the role ${gate} owns plangate.audit_entries, or may act as its owner`],
    ],
    [
      "as the owner of the function",
      `ALTER FUNCTION plangate.refuse_change() OWNER TO ${gate}`,
      [`the role ${gate} owns the function plangate.refuse_change, or may act as its owner`],
    ],
    [
      "and another role that was let in",
      "GRANT ALL ON plangate.decisions TO reporting",
      ["the role reporting has UPDATE, DELETE, TRUNCATE, TRIGGER on plangate.decisions"],
    ],
  ])("%s", async (_name, statement, expected) => {
    expect(await verifyAfter(statement)).toEqual(expected);
  });

  test.each<[string, string, string, string[]]>([
    [
      "as a member of the owner",
      `GRANT plangate_owner TO ${gate}`,
      `REVOKE plangate_owner FROM ${gate}`,
      [
        ...appendOnlyTables.map((table) => `plangate.${table}`),
        "the function plangate.refuse_change",
        "the schema plangate",
      ].map((object) => `the role ${gate} owns ${object}, or may act as its owner`),
    ],
    [
      "as a superuser",
      `ALTER ROLE ${gate} SUPERUSER`,
      `ALTER ROLE ${gate} NOSUPERUSER`,
      [`the role ${gate} is a superuser, whom no grant holds back`],
    ],
    [
      "as a member of a role that may write everywhere",
      `GRANT pg_write_all_data TO ${gate}`,
      `REVOKE pg_write_all_data FROM ${gate}`,
      appendOnlyTables.map((table) => `the role ${gate} has UPDATE, DELETE on plangate.${table}`),
    ],
  ])("%s", async (_name, statement, undo, expected) => {
    await query(server.url, statement);
    const { failed } = await verify(databaseUrl(server, "original"));
    await query(server.url, undo);
    expect(failed).toEqual(expected);
  });

  test("not one that may only read", async () => {
    const database = await copy();
    await query(
      databaseUrl(server, database),
      "GRANT USAGE ON SCHEMA plangate TO reporting; GRANT SELECT ON ALL TABLES IN SCHEMA plangate TO reporting",
    );
    expect(await verify(databaseUrl(server, database, "reporting"))).toEqual(clean);
  });

  test("`migrate --gate-role` takes the rights away again, and gives none where a trigger is missing", async () => {
    const database = await copy();
    await query(
      databaseUrl(server, database),
      "GRANT ALL ON plangate.decisions TO plangate_gate; DROP TRIGGER append_only ON plangate.decisions",
    );
    await migrate(database);
    expect((await verify(databaseUrl(server, database))).failed).toEqual([
      "the trigger append_only on plangate.decisions is missing: its rows can be changed and deleted",
    ]);
    await expect(
      query(databaseUrl(server, database, "plangate_gate"), "DELETE FROM plangate.decisions"),
    ).rejects.toMatchObject({
      code: "42501",
    });
  });
});

test.each([13, 15] as const)("PostgreSQL %i writes the triggers' definitions alike", async (major) => {
  const old = await startPostgres({ major });
  await (await openSampleStore(old.url)).close();
  expect(await verify(old.url)).toMatchObject({ code: 0, failed: [] });
  await query(old.url, "ALTER TABLE plangate.decisions DISABLE TRIGGER ALL");
  expect((await verify(old.url)).failed).toEqual([
    "the trigger append_only on plangate.decisions is disabled: its rows can be changed and deleted",
  ]);
  await old.cleanup();
});

test("where the gate is the owner, a note says so", async () => {
  await query(server.url, "CREATE DATABASE undivided");
  await (await openSampleStore(databaseUrl(server, "undivided"))).close();
  expect(await verify(databaseUrl(server, "undivided"))).toEqual({
    code: 0,
    failed: [],
    notes: [
      "no role but the tables' owner was granted to write here, so the gates themselves could change what they have recorded",
    ],
  });
});

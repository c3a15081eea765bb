import { Client } from "pg";
import { type PostgresServer, query } from "../support/postgres-server.ts";
import { collectFrom, startCollected, urlOf } from "./collector.ts";

const schema = `
CREATE TABLE orders (id bigint PRIMARY KEY, note text);
INSERT INTO orders SELECT n, 'note' FROM generate_series(1, 100) AS n;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO plangate_collector;
`;

async function set(server: PostgresServer, name: string, value: string): Promise<void> {
  await query(server.url, `ALTER SYSTEM SET ${name} = '${value}'`);
  await query(server.url, "SELECT pg_reload_conf()");
  while ((await query(server.url, `SHOW ${name}`))[0]?.[name] !== value)
    await new Promise((done) => setTimeout(done, 50));
}

describe.each([13, 15, 18] as const)("PostgreSQL %i", (major) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startCollected(major);
    await query(server.url, schema);
    await query(server.url, "SELECT pg_stat_statements_reset()");
  });
  afterAll(() => server.cleanup());

  const workload = async () => (await collectFrom(server)).statements;
  const textsOf = async () => (await workload())?.rows.map(({ query: text }) => text) ?? [];

  it("counts each query of this database once, over all users, without its constants", async () => {
    await query(server.url, "CREATE ROLE app LOGIN");
    await query(server.url, "GRANT SELECT ON orders TO app");
    for (const id of [1, 2, 3])
      await query(server.url, `SELECT note FROM orders WHERE id = ${id} AND note <> 'canary ${id}'`);
    await query(urlOf(server, "app"), "SELECT note FROM orders WHERE id = 4 AND note <> 'canary'");
    await query(urlOf(server, "postgres", "template1"), "SELECT 'elsewhere'");
    const section = await workload();
    const rows = section?.rows.filter(({ query: text }) => text.startsWith("SELECT note FROM orders")) ?? [];
    expect(rows.map(({ query: text, calls }) => ({ text, calls }))).toEqual([
      { text: "SELECT note FROM orders WHERE id = $1 AND note <> $2", calls: 4 },
    ]);
    expect(rows[0]?.queryId).toMatch(/^-?\d+$/);
    expect(rows[0]?.totalMs).toBeCloseTo((rows[0]?.meanMs ?? 0) * 4);
    expect(JSON.stringify(section)).not.toMatch(/canary|elsewhere/);
    expect(section?.complete).toBe(true);
  });

  it("says since when it counts, from PostgreSQL 14 on", async () => {
    const start = (await workload())?.windowStart;
    if (major >= 14) expect(start).toBeInstanceOf(Date);
    else expect(start).toBeUndefined();
  });

  it("leaves out what has no query plan, and so the secrets in it", async () => {
    await query(server.url, "ALTER ROLE app PASSWORD 'canary password'");
    await query(server.url, "SET application_name = 'canary'");
    const all = await query(server.url, "SELECT query FROM pg_stat_statements WHERE query LIKE '%canary%'");
    expect(all.length).toBeGreaterThan(0);
    expect(JSON.stringify(await collectFrom(server))).not.toContain("canary");
    expect(JSON.stringify(await collectFrom(server, { values: "all" }))).not.toContain("canary");
  });

  it("replaces the constants that PostgreSQL leaves in the texts of cursors and of tables made from queries", async () => {
    const session = new Client({ connectionString: server.url });
    await session.connect();
    for (const sql of [
      "BEGIN",
      "DECLARE c CURSOR FOR SELECT * FROM orders WHERE note = 'canary'",
      "FETCH c",
      "COMMIT",
    ]) {
      await session.query(sql);
    }
    await session.end();
    await query(server.url, "CREATE TABLE copied AS SELECT * FROM orders WHERE note = 'canary'");
    await query(server.url, "DROP TABLE copied");
    const texts = await textsOf();
    expect(texts).toContainEqual(
      expect.stringMatching(/^DECLARE c CURSOR FOR SELECT \* FROM orders WHERE note = \$\d$/),
    );
    expect(texts).toContainEqual(
      expect.stringMatching(/^CREATE TABLE copied AS SELECT \* FROM orders WHERE note = \$\d$/),
    );
  });

  it("reads what functions run, expressions and assignments too", async () => {
    await query(
      server.url,
      `CREATE FUNCTION counts() RETURNS bigint LANGUAGE plpgsql AS $$
      DECLARE total bigint;
      BEGIN
        total := (SELECT count(*) FROM orders WHERE note = 'canary assigned');
        IF EXISTS (SELECT FROM orders WHERE note = 'canary tested') THEN RETURN 0; END IF;
        RETURN total;
      END $$`,
    );
    await query(server.url, "SELECT counts()");
    const section = await workload();
    expect(section?.complete).toBe(true);
    expect(section?.rows.map(({ query: text }) => text)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^SELECT \(SELECT count\(\*\) FROM orders WHERE note = \$\d\)$/),
        expect.stringMatching(/^SELECT EXISTS \(SELECT FROM orders WHERE note = \$\d\)$/),
      ]),
    );
    await query(server.url, "DROP FUNCTION counts()");
  });

  (major < 18 ? it.skip : it)(
    "is not complete where several statements were sent at once and recorded as one",
    async () => {
      await query(server.url, "SELECT pg_stat_statements_reset()");
      const several = "BEGIN; DECLARE c CURSOR FOR SELECT * FROM orders WHERE note = 'canary'; FETCH c; COMMIT";
      await query(server.url, several);
      const { statements, notes } = await collectFrom(server);
      expect(statements?.complete).toBe(false);
      expect(notes?.join()).toContain("statements of the workload cannot be read and are left out");
      expect(JSON.stringify(statements)).not.toContain("canary");
      await query(server.url, "SELECT pg_stat_statements_reset()");
    },
  );

  it("does not list the collector's own queries", async () => {
    await collectFrom(server);
    expect((await textsOf()).filter((text) => text.includes("json_build_object"))).toEqual([]);
  });

  it("is complete with top-level statements only as long as no function can hide others", async () => {
    await set(server, "pg_stat_statements.track", "top");
    expect((await workload())?.complete).toBe(true);
    await query(
      server.url,
      "CREATE FUNCTION hides() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM orders); END'",
    );
    const { statements, notes } = await collectFrom(server);
    expect(statements?.complete).toBe(false);
    expect(notes?.join()).toContain("statements inside functions are not counted; set pg_stat_statements.track to all");
    await set(server, "pg_stat_statements.track", "none");
    expect((await collectFrom(server)).notes?.join()).toContain("pg_stat_statements.track is none");
    await set(server, "pg_stat_statements.track", "all");
    await query(server.url, "DROP FUNCTION hides()");
  });

  it("is not complete where a role is counted differently", async () => {
    await query(server.url, "ALTER ROLE app SET pg_stat_statements.track = none");
    expect((await workload())?.complete).toBe(false);
    await query(server.url, "ALTER ROLE app RESET pg_stat_statements.track");
    expect((await workload())?.complete).toBe(true);
  });

  it("is read through an extension that was never updated, too", async () => {
    await query(server.url, "DROP EXTENSION pg_stat_statements");
    await query(server.url, "CREATE EXTENSION pg_stat_statements VERSION '1.7'");
    await query(server.url, "SELECT note FROM orders WHERE id = 5");
    const section = await workload();
    expect(section?.rows).toContainEqual(expect.objectContaining({ query: "SELECT note FROM orders WHERE id = $1" }));
    expect(section?.complete).toBe(true);
  });

  it("is read from whatever schema the extension is in", async () => {
    await query(server.url, 'DROP EXTENSION pg_stat_statements; CREATE SCHEMA "Its own"');
    await query(server.url, 'CREATE EXTENSION pg_stat_statements SCHEMA "Its own"');
    // From PostgreSQL 14 on the role has pg_read_all_data, which includes it.
    if (major === 13) {
      await expect(collectFrom(server)).rejects.toMatchObject({
        code: "missing-grant",
        message: expect.stringContaining('GRANT USAGE ON SCHEMA "Its own" TO "plangate_collector";'),
      });
      await query(server.url, 'GRANT USAGE ON SCHEMA "Its own" TO plangate_collector');
    }
    expect((await workload())?.rows.length).toBeGreaterThan(0);
  });

  it("is absent without the extension, and the bundle says why", async () => {
    await query(server.url, "DROP EXTENSION pg_stat_statements");
    const { statements, notes } = await collectFrom(server);
    expect(statements).toBeUndefined();
    expect(notes).toEqual([
      "pg_stat_statements is not installed: CREATE EXTENSION pg_stat_statements in this database",
    ]);
  });
});

describe.each([13, 18] as const)("PostgreSQL %i with room for 100 statements", (major) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startCollected(major, { "pg_stat_statements.max": "100" });
  });
  afterAll(() => server.cleanup());

  it("has no complete workload once there were more", async () => {
    for (let n = 0; n < 110; n++)
      await query(server.url, `SELECT ${Array.from({ length: n + 1 }, () => "1").join(", ")}`);
    const { statements, notes } = await collectFrom(server);
    expect(statements?.complete).toBe(false);
    expect(notes?.join()).toContain("statements were evicted to make room; raise pg_stat_statements.max");
  });
});

describe("a server without the library", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startCollected(18, { shared_preload_libraries: "" });
  });
  afterAll(() => server.cleanup());

  it("has no workload, and the bundle says why", async () => {
    const { statements, notes } = await collectFrom(server);
    expect(statements).toBeUndefined();
    expect(notes?.join()).toContain("add it to shared_preload_libraries");
  });
});

import { join } from "node:path";
import { Client } from "pg";
import type { EvidenceBundle } from "../../src/core/evidence/bundle.ts";
import { expectGolden } from "../support/golden.ts";
import { type PostgresServer, query } from "../support/postgres-server.ts";
import { collectFrom, runFile, startCollected } from "./collector.ts";

const schemaFiles = {
  13: ["schema.sql"],
  15: ["schema.sql", "schema-15.sql"],
  18: ["schema.sql", "schema-15.sql", "schema-18.sql"],
};

/** Names and kinds of an extension's own functions and types are the extension's business. */
function ownObjects({ catalog }: EvidenceBundle): Record<string, unknown[]> {
  return Object.fromEntries(
    Object.entries(catalog ?? {}).map(([section, rows]) => [section, rows.filter((row) => !belongsToExtension(row))]),
  );
}

function belongsToExtension(row: unknown): boolean {
  return typeof row === "object" && row !== null && "extension" in row;
}

/** One row a line; oids differ from run to run. */
function listing(sections: Record<string, unknown[]>): string {
  const lines = Object.entries(sections).flatMap(([section, rows]) => [
    `## ${section}`,
    ...rows.map((row) => JSON.stringify(row, (key, value) => (key === "oid" || value === null ? undefined : value))),
    "",
  ]);
  return `${lines.join("\n").trimEnd()}\n`;
}

describe.each([13, 15, 18] as const)("PostgreSQL %i", (major) => {
  let server: PostgresServer;
  let bundle: EvidenceBundle;

  beforeAll(async () => {
    server = await startCollected(major);
    for (const file of schemaFiles[major]) await runFile(server, file);
    // PostgreSQL 13 grants schema by schema.
    await runFile(server, "../../sql/collector-role.sql");
    bundle = await collectFrom(server);
  });
  afterAll(() => server.cleanup());

  it("reads the catalogue", () => {
    expectGolden(join(__dirname, `catalog-${major}.txt`), listing(ownObjects(bundle)));
  });

  it("tells extensions' objects apart", () => {
    const views = bundle.catalog?.tables?.filter(({ extension }) => extension === "pg_stat_statements");
    expect(views?.map(({ name }) => name)).toContain("pg_stat_statements");
    expect(bundle.catalog?.types?.find(({ name }) => name === "citext")).toMatchObject({
      kind: "base",
      extension: "citext",
    });
    expect(bundle.catalog?.functions).toContainEqual({ schema: "shop", name: "similarity", extension: "pg_trgm" });
  });

  it("reads what the server is", async () => {
    const [{ id, version, port }] = (await query(
      server.url,
      `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS id, current_setting('server_version') AS version,
        inet_server_port() AS port`,
    )) as [{ id: string; version: string; port: number }];
    expect(bundle.server).toMatchObject({
      name: "node",
      role: "primary",
      systemIdentifier: id,
      serverVersion: version,
      database: "postgres",
      address: "127.0.0.1",
      port,
      standbys: 0,
      locale: { provider: "libc", collate: "C", ctype: "C", encoding: "UTF8" },
    });
  });

  it("reads the planner's settings as EXPLAIN prints them", async () => {
    const url = `${server.url}?options=${encodeURIComponent("-c work_mem=7MB")}`;
    await query(server.url, "ALTER ROLE plangate_collector SET random_page_cost = 1.1");
    await query(server.url, "ALTER ROLE plangate_collector SET enable_mergejoin = off");
    const { settings } = (await collectFrom(server)).server;
    expect(settings).toMatchObject({
      random_page_cost: "1.1",
      enable_mergejoin: "off",
      work_mem: "4MB",
      block_size: "8192",
      hash_mem_multiplier: major === 13 ? "1" : "2",
      jit: "on",
    });
    const [{ "QUERY PLAN": plan }] = (await query(url, "EXPLAIN (SETTINGS, FORMAT JSON) SELECT 1")) as [
      { "QUERY PLAN": [{ Settings: Record<string, string> }] },
    ];
    expect(Object.keys(settings ?? {})).toEqual(expect.arrayContaining(Object.keys(plan[0].Settings)));
  });

  it("notes what other sessions plan with", async () => {
    expect((await collectFrom(server)).notes?.join() ?? "").not.toContain("of their own");
    await query(server.url, "ALTER ROLE shop_owner SET work_mem = '1GB'");
    await query(server.url, "ALTER TABLESPACE pg_default SET (random_page_cost = 2)");
    const { notes } = await collectFrom(server);
    expect(notes).toEqual(
      expect.arrayContaining([
        "roles plan with settings of their own: shop_owner: work_mem",
        "tablespaces have page costs of their own: pg_default",
      ]),
    );
    await query(server.url, "ALTER ROLE shop_owner RESET work_mem");
    await query(server.url, "ALTER TABLESPACE pg_default RESET (random_page_cost)");
  });

  it("sees an index that is being built or that failed as not valid", async () => {
    await query(server.url, "CREATE TABLE twice AS SELECT 1 AS n FROM generate_series(1, 2)");
    await expect(query(server.url, "CREATE UNIQUE INDEX CONCURRENTLY twice_n ON twice (n)")).rejects.toMatchObject({
      code: "23505",
    });
    const { catalog } = await collectFrom(server);
    expect(catalog?.indexes?.find(({ name }) => name === "twice_n")).toMatchObject({ valid: false, unique: true });
  });

  it("leaves temporary tables out", async () => {
    const session = new Client({ connectionString: server.url });
    await session.connect();
    await session.query("CREATE TEMP TABLE passing (n int PRIMARY KEY); CREATE TABLE lasting (n int PRIMARY KEY)");
    const text = JSON.stringify(await collectFrom(server));
    await session.end();
    expect(text).toContain("lasting_pkey");
    expect(text).not.toContain("passing_pkey");
  });
});

/** `plangate evidence explain`: what it refuses, and that nothing is changed, recorded or given away then. */
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { query } from "../support/postgres-server.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { explain } from "./command.ts";

const drop = "-- Redundant.\nDROP INDEX idx_orders_user_status_created;\n";

let cluster: Cluster;
let folder: string;
beforeAll(async () => {
  cluster = await startCluster(18);
  folder = mkdtempSync(join(tmpdir(), "plangate-explain-"));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await cluster?.cleanup();
});

/** Runs it with --out, and makes sure that a failure leaves no file behind. */
async function refused(args: readonly string[], migration = drop): Promise<string> {
  const { code, stdout, stderr } = await explain(folder, [...args, "--out", "plans.json"], { migration });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(readdirSync(folder).filter((name) => name.includes("plans"))).toEqual([]);
  return stderr.trim();
}

const replica = () => ["--replica", `orders-replica-1=${cluster.replica.url}`];
const hasComposite = async (url: string) =>
  (await query(url, "SELECT FROM pg_class WHERE relname = 'idx_orders_user_status_created'")).length === 1;

describe("the server of the plans before", () => {
  it("must be a standby", async () => {
    expect(await refused(["--replica", `p=${cluster.primary.url}`])).toBe(
      `plangate: p (127.0.0.1:${cluster.primary.port}/postgres): it is a primary, not a replica (pg_is_in_recovery() is false); ` +
        "give a standby, or --source any for a cluster without one",
    );
  });

  it("may be a primary where the cluster has no replica; without a clone there are only plans before", async () => {
    const queries = ["SELECT id FROM orders WHERE user_id = 7 AND status = 'open'"];
    const args = ["--replica", `p=${cluster.clones.url}`, "--source", "any"];
    const { code, stderr, bundle } = await explain(folder, args, { migration: drop, queries });
    expect(code).toBe(0);
    expect(bundle.server.role).toBe("primary");
    expect(bundle.plans?.map(({ phase }) => phase)).toEqual(["before"]);
    expect(bundle.plansMissing).toEqual([{ query: queries[0], phase: "after", reason: "no clone was given" }]);
    expect(stderr).toContain(
      "There are no after plans: give --clone, a disposable copy to which the migration is applied.",
    );
  });
});

describe("the clone", () => {
  it.each([
    [
      "the replica itself",
      () => cluster.replica.url,
      "it is a standby, which no migration can be applied to; nothing was changed",
    ],
    [
      "the primary",
      () => cluster.primary.url,
      "servers follow it, so it is not a disposable clone; nothing was changed",
    ],
  ])("is not %s", async (_name, url, problem) => {
    expect(await refused([...replica(), "--clone", url()])).toContain(problem);
    expect(await hasComposite(cluster.primary.url)).toBe(true);
  });

  it("is not the server of the plans before under another name", async () => {
    const url = cluster.clones.url.replace("127.0.0.1", "localhost");
    const message = await refused(["--replica", `p=${cluster.clones.url}`, "--source", "any", "--clone", url]);
    expect(message).toContain("it is the same database as p (127.0.0.1:");
    expect(await hasComposite(cluster.clones.url)).toBe(true);
  });

  it.each([
    [
      "another index",
      "DROP INDEX idx_orders_total",
      "public.orders lacks CREATE INDEX idx_orders_total ON public.orders USING btree (total)",
    ],
    [
      "another column",
      "ALTER TABLE orders ADD COLUMN extra integer",
      "public.orders has the column extra integer there only",
    ],
    ["fewer rows", "DELETE FROM orders WHERE id > 100000; ANALYZE orders", "public.orders has 100000 rows, not 200000"],
    ["no rows", "TRUNCATE orders; ANALYZE orders", "public.orders is empty, or was never analysed"],
    [
      "no statistics",
      "DELETE FROM pg_statistic WHERE starelid = 'orders'::regclass",
      "public.orders has no statistics",
    ],
    ["no such table", "DROP TABLE orders CASCADE", "public.orders is missing"],
  ])("must have the tables of the replica: %s", async (_name, sql, problem) => {
    const url = await cluster.clone();
    for (const statement of sql.split("; ")) await query(url, statement);
    const message = await refused([...replica(), "--clone", `copy=${url}`]);
    expect(message).toContain("its tables are not those of orders-replica-1: ");
    expect(message).toContain(problem);
  });

  it("plans with the replica's settings, whatever its own are", async () => {
    const url = await cluster.clone();
    const database = new URL(url).pathname.slice(1);
    await query(url, `ALTER DATABASE ${database} SET random_page_cost = 1.1`);
    await query(url, `ALTER DATABASE ${database} SET enable_indexscan = off`);
    const queries = ["SELECT id FROM orders ORDER BY total LIMIT 20"];
    const { bundle } = await explain(folder, [...replica(), "--clone", url], { migration: drop, queries });
    const [before, after] = bundle.plans?.map(({ plan }) => JSON.stringify(plan)) ?? [];
    expect(after).toBe(before);
    // Settings that a plan does not tell are those of the bundle's server.
    expect(bundle.plans?.map(({ settings }) => settings)).toEqual([undefined, undefined]);
  });
});

describe("the migration", () => {
  it("that fails on the clone is named with file and line", async () => {
    const migration = "CREATE TABLE more (n integer);\n\nALTER TABLE orders\n  DROP COLUMN nowhere;\n";
    expect(await refused([...replica(), "--clone", await cluster.clone()], migration)).toMatch(
      /^plangate: migration\.sql:3: the migration fails on clone \(127\.0\.0\.1:\d+\/copy_\d+\): column "nowhere" of relation "orders" does not exist \(SQLSTATE 42703\); correct the migration, and give a new clone: this one may hold part of it$/,
    );
  });

  it("does not give away the row that it fails on", async () => {
    const url = await cluster.clone();
    const migration = "ALTER TABLE orders ALTER COLUMN status TYPE integer USING status::integer;";
    const message = await refused(
      [...replica(), "--clone", url],
      `DROP VIEW paid_orders; DROP INDEX idx_orders_shipped;\n${migration}`,
    );
    expect(message).toContain("migration.sql:2: the migration fails on clone");
    expect(message).toContain("the data of a row does not allow it (SQLSTATE 22P02)");
    expect(message).not.toContain("paid");
  });

  it("is applied as its format says: CONCURRENTLY is refused in dbmate's transaction", async () => {
    const migration = "-- migrate:up\nDROP INDEX CONCURRENTLY idx_orders_note;\n-- migrate:down\nDROP TABLE orders;\n";
    const args = [...replica(), "--clone", await cluster.clone(), "--migration-format", "dbmate"];
    expect(await refused(args, migration)).toContain("DROP INDEX CONCURRENTLY cannot run inside a transaction block");
    const url = await cluster.clone();
    const outside = migration.replace("migrate:up", "migrate:up transaction:false");
    const { code } = await explain(folder, [...replica(), "--clone", url, "--migration-format", "dbmate"], {
      migration: outside,
    });
    expect(code).toBe(0);
    expect(await query(url, "SELECT FROM pg_class WHERE relname = 'idx_orders_note'")).toEqual([]);
    expect(await hasComposite(url)).toBe(true);
  });

  it.each([
    [
      "reaches beyond the clone",
      "DROP INDEX idx_orders_note;\nCOPY orders TO PROGRAM 'cat';",
      "migration.sql:2: it is not applied to the clone",
    ],
    [
      "cannot be parsed",
      "DROP INDEX idx_orders_note;\nDROP INDX x;",
      "migration.sql:2: it is not applied to the clone",
    ],
  ])("is not applied if it %s", async (_name, migration, problem) => {
    const url = await cluster.clone();
    expect(await refused([...replica(), "--clone", url], migration)).toContain(problem);
    expect(await query(url, "SELECT FROM pg_class WHERE relname = 'idx_orders_note'")).toHaveLength(1);
  });
});

describe("servers that fail", () => {
  const withPassword = (url: string) => url.replace("postgres@", "postgres:hunter2@");

  it("no password is shown", async () => {
    const url = withPassword(cluster.replica.url).replace(/postgres$/, "nowhere");
    const message = await refused(["--replica", `orders-replica-1=${url}`]);
    expect(message).toContain(
      `orders-replica-1 (127.0.0.1:${cluster.replica.port}/nowhere): there is no such database`,
    );
    expect(message).not.toContain("hunter2");
    const { stdout, stderr } = await explain(folder, ["--replica", `r=${withPassword(cluster.replica.url)}`], {
      migration: drop,
    });
    expect(stdout + stderr).not.toContain("hunter2");
  });

  it("one that accepts connections and never answers costs one timeout", async () => {
    const silent = createServer(() => undefined);
    const port = await listen(silent);
    try {
      const url = `postgresql://postgres@127.0.0.1:${port}/orders`;
      expect(await refused(["--replica", `r=${url}`, "--timeout", "1s"])).toContain(
        `r (127.0.0.1:${port}/orders): the server accepts connections but did not answer within 1 s`,
      );
    } finally {
      silent.close();
    }
  });
});

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

// Last, since the replica stays behind.
it("a clone that nothing tells from the primary of a replica which does not stream is refused", async () => {
  appendFileSync(join(cluster.replica.dataDir, "postgresql.conf"), "primary_conninfo = ''\n");
  await cluster.replica.restart();
  const message = await refused([...replica(), "--clone", cluster.primary.url]);
  expect(message).toContain("it may be the primary of orders-replica-1");
  expect(await hasComposite(cluster.primary.url)).toBe(true);
  // A promoted copy has a timeline of its own.
  const { code } = await explain(folder, [...replica(), "--clone", cluster.clones.url], { migration: drop });
  expect(code).toBe(0);
});

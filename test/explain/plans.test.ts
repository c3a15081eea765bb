/** `plangate evidence explain` against a real primary, its streaming replica and clones: the plans, and what the rule makes of them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli } from "../cli/run.ts";
import { query } from "../support/postgres-server.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { explain, judged, planLines } from "./command.ts";

const recentPaid =
  "SELECT id, total FROM orders WHERE user_id = 10482 AND status = 'paid' ORDER BY created_at DESC LIMIT 20";

describe.each([13, 18] as const)("PostgreSQL %i", (major) => {
  let cluster: Cluster;
  let folder: string;
  beforeAll(async () => {
    cluster = await startCluster(major);
    folder = mkdtempSync(join(tmpdir(), "plangate-explain-"));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await cluster?.cleanup();
  });

  /** The workload is these statements, run on the replica only. */
  const run = async (migration: string, { workload = [recentPaid], queries = [], args = [] }: Scenario = {}) => {
    await query(cluster.replica.url, "SELECT pg_stat_statements_reset()");
    for (const statement of workload) await query(cluster.replica.url, statement);
    return explain(folder, [...replicaArgs(), "--clone", await cluster.clone(), ...args], { migration, queries });
  };
  const replicaArgs = () => ["--replica", `orders-replica-1=${cluster.replica.url}`];

  it("the drop of the composite is refused because of a query that only the replica has seen", async () => {
    const result = await run("DROP INDEX CONCURRENTLY idx_orders_user_status_created;");
    expect(result.code).toBe(0);
    expect(result.stderr).toBe("plangate: Affected queries that read orders: 1. Plans before: 4, after: 4.\n");
    expect(result.bundle.server).toMatchObject({ name: "orders-replica-1", role: "replica" });
    expect(planLines(result.bundle)).toEqual([
      "before generic: Limit, Sort, Bitmap Heap Scan, Bitmap Index Scan using idx_orders_user_status_created",
      "before common: Limit, Index Scan using idx_orders_user_status_created",
      "before rare: Limit, Index Scan using idx_orders_user_status_created",
      "before typical: Limit, Sort, Bitmap Heap Scan, Bitmap Index Scan using idx_orders_user_status_created",
      "after generic: Limit, Sort, Seq Scan",
      "after common: Limit, Index Scan using idx_orders_created",
      "after rare: Limit, Index Scan using idx_orders_shipped",
      "after typical: Limit, Sort, Seq Scan",
    ]);
    const [finding] = await judged(result, folder);
    expect(finding).toMatchObject({ outcome: "fail", location: { path: "migration.sql", line: 1 } });
    expect(finding?.message).toContain(
      "orders: Bitmap Heap Scan using idx_orders_user_status_created → Seq Scan over 200,000 rows",
    );
  });

  it("the drop of an index that no query uses passes", async () => {
    const result = await run("DROP INDEX CONCURRENTLY idx_orders_note;");
    expect(await judged(result, folder)).toMatchObject([
      { outcome: "pass", message: "The plan of the one query that reads orders does not get worse." },
    ]);
  });

  it("a partial index shows only where its value is given", async () => {
    const shipped = "SELECT id FROM orders WHERE status = 'shipped' ORDER BY created_at LIMIT 20";
    const result = await run("DROP INDEX idx_orders_shipped;", { workload: [shipped] });
    expect(planLines(result.bundle)).toEqual([
      "before generic: Limit, Index Scan using idx_orders_created",
      "before common: Limit, Index Scan using idx_orders_created",
      "before rare: Limit, Index Scan using idx_orders_shipped",
      "after generic: Limit, Index Scan using idx_orders_created",
      "after common: Limit, Index Scan using idx_orders_created",
      "after rare: Limit, Index Scan using idx_orders_created",
    ]);
    const [finding] = await judged(result, folder);
    expect(finding?.message).toMatch(/^The query plan gets worse: its cost grows \d+\.\d times\.$/);
  });

  it("of LIMIT $1, PostgreSQL would assume a tenth of the table: it is planned as a page of 20 rows", async () => {
    const cheapest = "SELECT id FROM orders ORDER BY total LIMIT 20";
    const result = await run("DROP INDEX idx_orders_note;", { workload: [cheapest] });
    expect(planLines(result.bundle)).toEqual([
      "before generic: Limit, Index Scan using idx_orders_total",
      "before common: Limit, Index Scan using idx_orders_total",
      "after generic: Limit, Index Scan using idx_orders_total",
      "after common: Limit, Index Scan using idx_orders_total",
    ]);
    expect(result.bundle.plans?.map(({ parameters }) => parameters)).toEqual([null, ["20"], null, ["20"]]);
  });

  it("both sides of a self-join are looked at", async () => {
    const same = "SELECT count(*) FROM orders a JOIN orders b ON b.user_id = a.user_id WHERE a.id = 7";
    const result = await run("DROP INDEX idx_orders_user_status_created;", { workload: [same] });
    const [finding] = await judged(result, folder);
    expect(finding).toMatchObject({ outcome: "fail" });
    expect(finding?.message).toContain("orders as b: ");
  });

  it("a view counts as reading its table, and a query file need not be in the workload", async () => {
    const byView = "SELECT id FROM paid_orders WHERE user_id = 10482 ORDER BY created_at DESC LIMIT 20;\n";
    const queries = [byView, "SELECT 1"];
    const result = await run("DROP INDEX idx_orders_user_status_created;", { workload: [], queries });
    expect(planLines(result.bundle)).toEqual([
      "before as written: Limit, Sort, Bitmap Heap Scan, Bitmap Index Scan using idx_orders_user_status_created",
      "after as written: Limit, Sort, Seq Scan",
    ]);
    expect(result.stderr).toContain("query-1.sql reads no table that the migration touches; it is not explained.");
  });

  it("parameters of a view and of partitions get values too, though neither has statistics of its own", async () => {
    const workload = [
      "SELECT id FROM paid_orders WHERE user_id = 10482 ORDER BY created_at DESC LIMIT 20",
      "SELECT * FROM events WHERE user_id = 17",
    ];
    const result = await run("DROP INDEX idx_orders_note; DROP INDEX idx_events_user;", {
      workload,
      args: ["--coverage", "1"],
    });
    const before = planLines(result.bundle).filter((line) => line.startsWith("before"));
    expect(before.map((line) => line.replace(/:.*/, ""))).toEqual([
      "before generic",
      "before common",
      "before rare",
      "before generic",
      "before common",
      "before rare",
    ]);
    expect((await judged(result, folder)).map(({ outcome, message }) => [outcome, message])).toEqual([
      ["fail", expect.stringContaining("events (partitions events_2026_01, events_2026_02): ")],
    ]);
  });

  it("the workload of other nodes counts, where their bundles are given", async () => {
    await query(cluster.primary.url, "SELECT count(*) FROM orders WHERE note = 'flagged'");
    const collected = ["evidence", "collect", "--server", `p=${cluster.primary.url}`, "--out", "primary.json"];
    expect(await cli(collected, { cwd: folder })).toMatchObject({ code: 0 });
    const result = await run("DROP INDEX idx_orders_note;", { workload: [], args: ["--evidence", "primary.json"] });
    const [finding] = await judged(result, folder);
    expect(finding?.message).toContain("idx_orders_note → Seq Scan over 200,000 rows");
  });

  it("the collector's role explains what reads; for the rest it says what it lacks", async () => {
    const url = cluster.replica.url.replace("postgres@", "plangate_collector@");
    const queries = ["SELECT id FROM orders WHERE user_id = $1", "UPDATE orders SET total = 0 WHERE id = $1"];
    const migration = "DROP INDEX idx_orders_note;";
    const result = await explain(folder, ["--replica", `r=${url}`], { migration, queries });
    expect(planLines(result.bundle).map((line) => line.replace(/:.*/, ""))).toEqual([
      "before generic",
      "before common",
      "before rare",
    ]);
    expect(result.bundle.plansMissing).toContainEqual({
      query: queries[1],
      phase: "before",
      reason:
        "generic: PostgreSQL cannot plan it: permission denied for table orders (SQLSTATE 42501); EXPLAIN needs the privileges of the query",
    });
  });

  it("what cannot be explained is listed with its reason, and the rest is explained", async () => {
    const queries = ["SELECT missing FROM orders WHERE id = $1", "SELECT $1 FROM orders, nowhere", "SELEC"];
    const result = await run("DROP INDEX idx_orders_note;", { queries });
    expect(result.bundle.plans).toHaveLength(8);
    expect(result.bundle.plansMissing).toEqual([
      { query: "SELEC", phase: null, reason: "query-2.sql cannot be parsed" },
      {
        query: queries[0],
        phase: "before",
        reason: 'PostgreSQL cannot plan it: column "missing" does not exist (SQLSTATE 42703)',
      },
      {
        query: queries[1],
        phase: "before",
        reason: 'PostgreSQL cannot plan it: relation "nowhere" does not exist (SQLSTATE 42P01)',
      },
    ]);
    expect(result.stderr).toContain('missing (before): PostgreSQL cannot plan it: column "missing" does not exist');
  });

  it("a table that the migration rewrites has its statistics again before anything is explained", async () => {
    const result = await run("DROP VIEW paid_orders; ALTER TABLE orders ALTER COLUMN user_id TYPE bigint;");
    expect(planLines(result.bundle).slice(4)).toEqual(planLines(result.bundle).slice(0, 4).map(asAfter));
    expect(await judged(result, folder)).toMatchObject([{ outcome: "pass" }]);
  });

  it("what was explained does not become workload", async () => {
    const migration = "DROP INDEX idx_orders_note;";
    const [first, second] = [await run(migration), await explain(folder, replicaArgs(), { migration })];
    const beforeLines = (result: typeof first) => planLines(result.bundle).filter((line) => line.startsWith("before"));
    expect(beforeLines(second)).toEqual(beforeLines(first));
  });

  it("values of columns with many distinct ones are shown only if all may be", async () => {
    const shown = async (values: string) => {
      const { bundle } = await run("DROP INDEX idx_orders_note;", { args: ["--values", values] });
      const conditions = JSON.stringify(bundle.plans).match(/\(orders\.user_id = [^)]*\)/g);
      return [bundle.plans?.map(({ parameters }) => parameters).slice(1, 3), [...new Set(conditions)].slice(1, 2)];
    };
    const user = (value: string) => ({ value, of: "public.orders.user_id" });
    const status = (value: string) => ({ value, of: "public.orders.status" });
    expect(await shown("all")).toEqual([
      [
        ["7", "paid", "20"],
        [expect.stringMatching(/^\d+$/), "shipped", "20"],
      ],
      ["(orders.user_id = 7)"],
    ]);
    expect(await shown("low-cardinality")).toEqual([
      [
        [user("common"), "paid", "20"],
        [user("rare"), "shipped", "20"],
      ],
      ["(orders.user_id = '?')"],
    ]);
    expect(await shown("none")).toEqual([
      [
        [user("common"), status("common"), "20"],
        [user("rare"), status("rare"), "20"],
      ],
      ["(orders.user_id = '?')"],
    ]);
  });
});

interface Scenario {
  workload?: readonly string[];
  queries?: readonly string[];
  args?: readonly string[];
}

const asAfter = (line: string) => line.replace("before", "after");

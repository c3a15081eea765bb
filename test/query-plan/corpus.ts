/**
 * The corpus: what real servers print, as text and as JSON, for each case of cases.ts.
 *
 * Write it anew with `UPDATE_QUERY_PLAN_CORPUS=1 npx jest test/query-plan/live.test.ts`.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import type { PlanNode, QueryPlan } from "../../src/core/query-plan/query-plan.ts";
import type { PostgresMajor } from "../support/postgres-binaries.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import type { Case } from "./cases.ts";

export interface Printed {
  text: string;
  json: string;
}

const folder = join(__dirname, "corpus");
export const majors: readonly PostgresMajor[] = [13, 18];

export function readCorpus(major: PostgresMajor): [name: string, printed: Printed][] {
  const files = readdirSync(join(folder, String(major))).filter((file) => file.endsWith(".txt"));
  return files.map((file) => {
    const name = file.slice(0, -".txt".length);
    const read = (extension: string) => readFileSync(join(folder, String(major), name + extension), "utf8");
    return [name, { text: read(".txt"), json: read(".json") }];
  });
}

export function writeCorpus(major: PostgresMajor, name: string, { text, json }: Printed): void {
  mkdirSync(join(folder, String(major)), { recursive: true });
  writeFileSync(join(folder, String(major), `${name}.txt`), text);
  writeFileSync(join(folder, String(major), `${name}.json`), json);
}

/** A server with the tables of schema.sql, and itself as a foreign server. */
export async function startWithTables(major: PostgresMajor): Promise<{ server: PostgresServer; client: Client }> {
  const server = await startPostgres({ major, settings: { autovacuum: "off", jit: "off", timezone: "UTC" } });
  const client = new Client({ connectionString: server.url });
  await client.connect();
  await client.query(readFileSync(join(__dirname, "schema.sql"), "utf8"));
  await client.query("VACUUM");
  await client.query(`
    CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '${server.port}', dbname 'postgres');
    CREATE USER MAPPING FOR postgres SERVER far OPTIONS (user 'postgres');
    ${major >= 14 ? "ALTER SERVER far OPTIONS (ADD async_capable 'true');" : ""}
    CREATE SCHEMA far;
    IMPORT FOREIGN SCHEMA public LIMIT TO (users, orders, tiny) FROM SERVER far INTO far;
    CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE FOREIGN TABLE conf (line text) SERVER files OPTIONS (filename 'PG_VERSION');`);
  return { server, client };
}

/** Both formats, each in a transaction of its own that is rolled back. */
export async function explainCase(client: Client, { sql, options, settings = {}, before }: Case): Promise<Printed> {
  const print = async (format: string) => {
    await client.query("BEGIN");
    try {
      for (const [name, value] of Object.entries(settings))
        await client.query("SELECT set_config($1, $2, true)", [name, value]);
      if (before !== undefined) await client.query(before);
      const { rows } = await client.query({
        text: `EXPLAIN (${[options, format].filter(Boolean).join(", ")}) ${sql}`,
        rowMode: "array",
        types: { getTypeParser: () => (value: string) => value },
      });
      return `${rows.map(([line]) => line).join("\n")}\n`;
    } finally {
      await client.query("ROLLBACK; DEALLOCATE ALL");
    }
  };
  return { text: await print("FORMAT TEXT"), json: await print("FORMAT JSON") };
}

/**
 * Text and JSON come from two executions. So times are masked, and below a Gather, where workers share the work as they come, the rows per worker
 * too. Nothing else is.
 */
export function withoutTimes(plan: QueryPlan): QueryPlan {
  const mask = (time: number | null) => (time === null ? null : -1);
  const node = (from: PlanNode, shared: boolean): PlanNode => {
    const { actual } = from;
    const below = shared || from.nodeType.startsWith("Gather");
    return {
      ...from,
      rowsRemovedByFilter: shared && actual !== null ? -1 : from.rowsRemovedByFilter,
      actual: actual && {
        startupMs: mask(actual.startupMs),
        totalMs: mask(actual.totalMs),
        rows: shared ? -1 : actual.rows,
        loops: shared ? -1 : actual.loops,
      },
      children: from.children.map((child) => node(child, below)),
    };
  };
  return {
    ...plan,
    planningTimeMs: mask(plan.planningTimeMs),
    executionTimeMs: mask(plan.executionTimeMs),
    root: node(plan.root, false),
  };
}

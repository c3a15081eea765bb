import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PostgresServer, query, startPostgres } from "../test/support/postgres-server.ts";
import { type Compared, compare } from "./timing.ts";

export interface CollectBench extends Compared {
  bundleBytes: number;
}

/** `plangate evidence collect` on 500 tables, 2,000 indexes and 5,000 statements, against one query on the same server; whole processes. */
export async function benchCollect(root: string): Promise<CollectBench> {
  const folder = mkdtempSync(join(tmpdir(), "plangate-bench-collect-"));
  const settings = {
    shared_preload_libraries: "pg_stat_statements",
    "pg_stat_statements.track": "all",
    "pg_stat_statements.max": "10000",
    max_locks_per_transaction: "1000",
  };
  let server: PostgresServer | undefined;
  try {
    server = await startPostgres({ major: 18, settings });
    await makeSchema(server.url);
    const out = join(folder, "evidence.json");
    const plangate = join(root, "dist/plangate.js");
    const collect = [plangate, "evidence", "collect", "--server", `bench=${server.url}`, "--out", out];
    const oneQuery = `const { Client } = require("pg"); const c = new Client(process.argv[1]);
      c.connect().then(() => c.query("SELECT count(*) FROM pg_class")).then(() => c.end());`;
    const { url } = server;
    const compared = compare(
      5,
      () => run(collect, root),
      () => run(["-e", oneQuery, url], root),
    );
    return { ...compared, bundleBytes: statSync(out).size };
  } finally {
    await server?.cleanup();
    rmSync(folder, { recursive: true });
  }
}

async function makeSchema(url: string): Promise<void> {
  await query(
    url,
    `DO $$ BEGIN FOR n IN 1..500 LOOP
      EXECUTE format('CREATE TABLE t%s (id bigint PRIMARY KEY, owner int, status text, amount numeric, at timestamptz)', n);
      EXECUTE format('INSERT INTO t%s SELECT g, g %% 40, (ARRAY[''new'', ''paid'', ''late''])[1 + g %% 3], g * 1.5, now() - g * interval ''1 hour''
        FROM generate_series(1, 500) AS g', n);
      EXECUTE format('CREATE INDEX ON t%s (owner, status)', n);
      EXECUTE format('CREATE INDEX ON t%s (at DESC) WHERE status <> ''paid''', n);
      EXECUTE format('CREATE INDEX ON t%s (lower(status), amount)', n);
    END LOOP; END $$`,
  );
  await query(url, "ANALYZE");
  await query(url, "CREATE EXTENSION pg_stat_statements");
  await query(
    url,
    `DO $$ BEGIN FOR n IN 1..500 LOOP FOR shape IN 1..10 LOOP
      EXECUTE format('SELECT count(*), %s FROM t%s AS a JOIN t%s AS b USING (id) WHERE a.owner = 3 AND b.status = ''paid'' AND a.amount > 10',
        repeat('1,', shape - 1) || '1', n, n % 500 + 1);
    END LOOP; END LOOP; END $$`,
  );
}

function run(args: readonly string[], cwd: string): void {
  const result = spawnSync(process.execPath, args, { cwd, stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${args.join(" ")} ended with ${result.status}: ${result.stderr}`);
}

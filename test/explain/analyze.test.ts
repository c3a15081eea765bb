/** `plangate evidence explain --analyze`: what only reads is executed, and nothing else ever is. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { query } from "../support/postgres-server.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { explain } from "./command.ts";

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

const migration = "DROP INDEX idx_orders_note;";

/** Query → why it is only planned; null: it is executed. */
const cases: readonly [query: string, whyNot: string | null][] = [
  ["SELECT id FROM orders WHERE user_id = $1 AND status = 'paid' ORDER BY created_at DESC LIMIT 20", null],
  ["SELECT lower(status), count(*), max(total) FROM orders WHERE id < 10 GROUP BY 1 ORDER BY 2", null],
  ["SELECT id FROM paid_orders WHERE created_at > now() - interval '1 day' AND note LIKE 'f%'", null],
  [
    "WITH few AS (SELECT * FROM orders LIMIT 5) SELECT few.status::varchar, b.id FROM few JOIN orders b USING (id)",
    null,
  ],
  ["SELECT sing() FROM orders LIMIT 1", "it calls sing(), which is not one of PostgreSQL's own harmless functions"],
  ["SELECT public.sing() FROM orders LIMIT 1", "it calls public.sing()"],
  [
    "SELECT claims_to_be_stable(id) FROM orders LIMIT 1",
    "it calls claims_to_be_stable(), which is not one of PostgreSQL's own harmless functions",
  ],
  ["SELECT o.chirp FROM orders o LIMIT 1", "it may call the function chirp(orders)"],
  ["SELECT (o).chirp FROM orders o LIMIT 1", "it may call the function chirp(orders)"],
  ["SELECT id FROM orders WHERE user_id === status", "it may use the operator ===(integer,text)"],
  ["SELECT user_id::checked FROM orders LIMIT 1", "it casts to checked"],
  [
    "SELECT song FROM singing LIMIT 1",
    "the view singing: it calls sing(), which is not one of PostgreSQL's own harmless functions",
  ],
  ["SELECT nextval('canary') FROM orders LIMIT 1", "it may call the function nextval(regclass)"],
  ["SELECT pg_sleep(60) FROM orders", "it calls pg_sleep(), which is not one of PostgreSQL's own harmless functions"],
  [
    "SELECT pg_terminate_backend(user_id) FROM orders",
    "it calls pg_terminate_backend(), which is not one of PostgreSQL's own harmless functions",
  ],
  ["SELECT pg_try_advisory_lock(id) FROM orders", "it may call the function pg_try_advisory_lock(bigint)"],
  ["SELECT id FROM orders WHERE id = 1 FOR UPDATE", "it locks rows (FOR UPDATE or FOR SHARE)"],
  ["WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone", "it writes (a data-modifying WITH)"],
  [
    "SELECT * FROM rows_from_json('[]') AS r(n checked), orders LIMIT 1",
    "it calls rows_from_json(), which is not one of PostgreSQL's own harmless functions",
  ],
  ["SELECT r.n FROM json_to_recordset('[{\"n\": 1}]') AS r(n checked), orders LIMIT 1", "it casts to checked"],
  ["SELECT id FROM orders TABLESAMPLE system (1)", "it takes a sample (TABLESAMPLE)"],
  ["DELETE FROM orders WHERE id = 1", "it is not a SELECT"],
  ["UPDATE orders SET total = 0 WHERE id = $1", "it is not a SELECT"],
];

it("is decided for each query, on the replica and on the clone", async () => {
  const copy = await cluster.clone();
  const args = ["--replica", `r=${cluster.replica.url}`, "--clone", copy, "--analyze"];
  const { code, stderr, bundle } = await explain(folder, args, { migration, queries: cases.map(([text]) => text) });
  expect(code).toBe(0);
  const executed = (text: string) =>
    (bundle.plans ?? [])
      .filter((record) => record.query === text && !record.note?.startsWith("Generic"))
      .map(({ plan }) => JSON.stringify(plan).includes('"Actual Rows"'));
  for (const [text, whyNot] of cases) {
    const records = executed(text);
    expect([text, records.length > 0, new Set(records)]).toEqual([text, true, new Set([whyNot === null])]);
    const remark = `Planned without executing it, since ${whyNot}: ${text}`;
    expect([text, whyNot === null || stderr.includes(remark)]).toEqual([text, true]);
  }
  const methods = bundle.plans?.filter(({ query: text }) => text === cases[0]?.[0]).map(({ method }) => method);
  expect(new Set(methods)).toEqual(new Set(["explain", "explain-analyze", "clone"]));
  for (const url of [cluster.replica.url, copy]) {
    // The canary sings where it is called: this once, and never before.
    await query(url, "SELECT sing()");
    expect(await calls(url)).toEqual([{ funcname: "sing", calls: "1" }]);
  }
  expect(await query(copy, "SELECT is_called FROM canary")).toEqual([{ is_called: false }]);
  expect(await query(copy, "SELECT count(*)::int AS rows FROM orders")).toEqual([{ rows: 200_000 }]);
});

/** Counters arrive a moment after the session that raised them has ended. */
async function calls(url: string): Promise<unknown[]> {
  for (let attempt = 0; ; attempt++) {
    const rows = await query(
      url,
      "SELECT funcname, calls FROM pg_stat_user_functions WHERE funcname NOT LIKE 'pg_stat%'",
    );
    if (rows.length > 0 || attempt === 50) return rows;
  }
}

it("without --analyze nothing is executed", async () => {
  const args = ["--replica", `r=${cluster.replica.url}`];
  const { bundle } = await explain(folder, args, { migration, queries: [cases[0]?.[0] ?? ""] });
  expect(new Set(bundle.plans?.map(({ method }) => method))).toEqual(new Set(["explain"]));
  expect(JSON.stringify(bundle.plans)).not.toContain("Actual Rows");
});

it("a query that takes longer than the timeout is planned only", async () => {
  const slow = "SELECT count(*) FROM orders a, orders b, orders c WHERE a.total < b.total AND b.total < c.total";
  const args = ["--replica", `r=${cluster.replica.url}`, "--analyze", "--timeout", "2s"];
  const { code, bundle } = await explain(folder, args, { migration, queries: [slow] });
  expect(code).toBe(0);
  expect(bundle.plans?.map(({ method }) => method)).toEqual(["explain"]);
});

/** Queries whose plans make up the corpus, each named for what its plan shows. */
export interface Case {
  name: string;
  sql: string;
  /** EXPLAIN's options besides FORMAT; the default is none. */
  options?: string;
  /** SET LOCAL before. */
  settings?: Record<string, string>;
  /** Run before, in the same transaction. */
  before?: string;
  /** First major version that has it; 13 by default. */
  since?: number;
}

const everything = "ANALYZE, VERBOSE, BUFFERS, SETTINGS, WAL, SUMMARY";
const measured = "ANALYZE, TIMING OFF, SUMMARY OFF";
const only = (...enabled: string[]) => {
  const methods = [
    "seqscan",
    "indexscan",
    "indexonlyscan",
    "bitmapscan",
    "tidscan",
    "hashjoin",
    "mergejoin",
    "nestloop",
    "hashagg",
  ];
  return Object.fromEntries(methods.map((method) => [`enable_${method}`, enabled.includes(method) ? "on" : "off"]));
};
const parallel = {
  parallel_setup_cost: "0",
  parallel_tuple_cost: "0",
  min_parallel_table_scan_size: "0",
  min_parallel_index_scan_size: "0",
  max_parallel_workers_per_gather: "2",
};
const onlyHash = only("seqscan", "hashjoin");
const onlyMerge = only("seqscan", "indexscan", "mergejoin");
const onlyNested = only("seqscan", "indexscan", "nestloop");

export const cases: Case[] = [
  { name: "seq-scan", sql: "SELECT * FROM orders" },
  { name: "seq-scan-alias", sql: "SELECT * FROM orders AS o WHERE total % 2 = 0" },
  { name: "seq-scan-verbose", sql: "SELECT * FROM orders AS o WHERE total % 2 = 0", options: "VERBOSE" },
  { name: "seq-scan-costs-off", sql: "SELECT * FROM orders WHERE total % 2 = 0", options: "COSTS OFF" },
  { name: "seq-scan-analyze", sql: "SELECT * FROM orders WHERE total % 2 = 0", options: "ANALYZE" },
  { name: "seq-scan-analyze-costs-off", sql: "SELECT * FROM tiny WHERE id > 3", options: "ANALYZE, COSTS OFF" },
  {
    name: "seq-scan-everything",
    sql: "SELECT * FROM orders WHERE total % 2 = 0",
    options: everything,
    settings: { work_mem: "1MB", search_path: `"$user", public, 'it''s'` },
  },
  {
    name: "index-scan",
    sql: "SELECT * FROM orders WHERE user_id = 42 AND status = 'paid'",
    settings: only("indexscan"),
  },
  {
    name: "index-scan-verbose",
    sql: "SELECT * FROM orders o WHERE user_id = 42",
    options: "VERBOSE",
    settings: only("indexscan"),
  },
  {
    name: "index-scan-backward-limit",
    sql: "SELECT * FROM orders WHERE user_id = 42 AND status = 'paid' ORDER BY created_at DESC LIMIT 20",
    options: measured,
    settings: only("indexscan"),
  },
  {
    name: "index-scan-everything",
    sql: "SELECT * FROM orders WHERE user_id = 42 AND total <> 7",
    options: everything,
    settings: only("indexscan"),
  },
  {
    name: "index-only-scan",
    sql: "SELECT total FROM orders WHERE total < 3",
    options: measured,
    settings: only("indexonlyscan"),
  },
  {
    name: "index-only-scan-backward",
    sql: "SELECT created_at FROM orders ORDER BY created_at DESC LIMIT 3",
    settings: only("indexonlyscan"),
  },
  { name: "index-min-max", sql: "SELECT min(created_at), max(created_at) FROM orders", options: measured },
  {
    name: "bitmap-heap-scan",
    sql: "SELECT * FROM orders WHERE total < 20",
    options: measured,
    settings: only("bitmapscan"),
  },
  {
    name: "bitmap-and",
    sql: "SELECT * FROM items WHERE order_id < 3000 AND product_id < 20",
    settings: only("bitmapscan"),
  },
  {
    name: "bitmap-or",
    sql: "SELECT * FROM items WHERE order_id < 30 OR product_id = 20",
    options: measured,
    settings: only("bitmapscan"),
  },
  {
    name: "bitmap-and-or",
    sql: "SELECT * FROM items WHERE (order_id < 30 OR order_id > 50000) AND product_id < 2",
    settings: only("bitmapscan"),
  },
  { name: "tid-scan", sql: "SELECT * FROM orders WHERE ctid = '(0,1)'" },
  { name: "tid-range-scan", sql: "SELECT * FROM orders WHERE ctid < '(3,1)'", since: 14 },
  {
    name: "sample-scan",
    sql: "SELECT * FROM orders TABLESAMPLE bernoulli (10) REPEATABLE (1) WHERE total > 5",
    options: measured,
  },
  { name: "function-scan", sql: "SELECT * FROM generate_series(1, 10) n WHERE n > 3" },
  { name: "function-scan-no-alias", sql: "SELECT * FROM generate_series(1, 10)", options: "VERBOSE" },
  {
    name: "function-scan-rows-from",
    sql: "SELECT * FROM ROWS FROM (generate_series(1, 3), generate_series(1, 5)) AS both_of_them",
    options: "VERBOSE",
  },
  {
    name: "table-function-scan",
    sql: "SELECT * FROM JSON_TABLE('[1, 2]'::jsonb, '$[*]' COLUMNS (n int PATH '$')) t",
    since: 17,
  },
  {
    name: "table-function-scan-xml",
    sql: "SELECT * FROM XMLTABLE('/a' PASSING ('<a/>'::xml) COLUMNS b text PATH 'b')",
    options: "VERBOSE",
  },
  { name: "values-scan", sql: "SELECT * FROM (VALUES (1), (2)) v (n) WHERE n > 1" },
  { name: "result", sql: "SELECT 1" },
  { name: "result-one-time-filter", sql: "SELECT * FROM orders WHERE false", options: measured },
  { name: "result-one-time-filter-stable", sql: "SELECT * FROM orders WHERE now() < '2000-01-01'", options: measured },
  { name: "project-set", sql: "SELECT generate_series(1, 3), id FROM tiny" },
  {
    name: "subquery-scan",
    sql: "SELECT * FROM (SELECT DISTINCT user_id, total FROM orders ORDER BY 1 LIMIT 10) s WHERE total > 3",
  },
  { name: "limit-offset", sql: "SELECT * FROM tiny LIMIT 3 OFFSET 2", options: measured },
  {
    name: "sort-top-n",
    sql: 'SELECT * FROM orders ORDER BY total DESC NULLS LAST, status COLLATE "C" LIMIT 5',
    options: "ANALYZE",
    settings: only("seqscan"),
  },
  {
    name: "sort-external",
    sql: "SELECT * FROM orders ORDER BY total, id",
    options: measured,
    settings: { ...only("seqscan"), work_mem: "64kB" },
  },
  {
    name: "incremental-sort",
    sql: "SELECT * FROM orders ORDER BY user_id, total LIMIT 10",
    options: "ANALYZE",
    settings: only("indexscan"),
  },
  { name: "unique", sql: "SELECT DISTINCT user_id FROM orders", settings: only("indexonlyscan") },
  { name: "lock-rows", sql: "SELECT * FROM orders WHERE id = 1 FOR UPDATE" },
  { name: "materialize", sql: "SELECT * FROM tiny a, tiny b WHERE a.id <> b.id", options: measured },
  {
    name: "memoize",
    sql: "SELECT * FROM items i JOIN users u ON u.id = i.product_id",
    options: measured,
    settings: only("seqscan", "indexscan", "nestloop"),
    since: 14,
  },
  { name: "aggregate-plain", sql: "SELECT count(*) FROM tiny" },
  {
    name: "aggregate-sorted",
    sql: "SELECT user_id, count(*) FROM orders GROUP BY user_id HAVING count(*) > 5",
    options: measured,
    settings: only("indexonlyscan"),
  },
  {
    name: "aggregate-hashed",
    sql: "SELECT status, count(*) FROM orders GROUP BY status",
    options: "ANALYZE",
    settings: only("seqscan", "hashagg"),
  },
  { name: "group", sql: "SELECT user_id FROM orders GROUP BY user_id", settings: only("indexonlyscan") },
  {
    name: "grouping-sets-sorted",
    sql: "SELECT status, total, count(*) FROM orders GROUP BY GROUPING SETS ((status, total), (status), ())",
    options: measured,
    settings: only("seqscan"),
  },
  {
    name: "grouping-sets-two-sorts",
    sql: "SELECT status, total, count(*) FROM orders GROUP BY CUBE (status, total)",
    settings: only("seqscan"),
  },
  {
    name: "grouping-sets-hashed",
    sql: "SELECT status, total, count(*) FROM orders GROUP BY GROUPING SETS ((status), (total))",
    settings: only("seqscan", "hashagg"),
  },
  {
    name: "grouping-sets-mixed",
    sql: "SELECT status, total, count(*) FROM orders GROUP BY GROUPING SETS ((status), (total), ())",
    options: "ANALYZE",
    settings: only("seqscan", "hashagg"),
  },
  { name: "grouping-set-empty", sql: "SELECT count(*) FROM orders GROUP BY GROUPING SETS (())" },
  {
    name: "window",
    sql: "SELECT id, rank() OVER (PARTITION BY user_id ORDER BY total) FROM orders",
    settings: only("seqscan"),
  },
  {
    name: "window-run-condition",
    sql: "SELECT * FROM (SELECT id, row_number() OVER w AS n FROM orders WINDOW w AS (ORDER BY id)) s WHERE n < 4",
    options: measured,
  },
  { name: "set-except", sql: "SELECT id FROM orders EXCEPT SELECT id FROM users", settings: only("seqscan") },
  {
    name: "set-intersect-all-hashed",
    sql: "SELECT id FROM tiny INTERSECT ALL SELECT id FROM users",
    settings: only("seqscan", "hashagg"),
  },
  { name: "union-all", sql: "SELECT id FROM tiny UNION ALL SELECT id FROM users UNION ALL SELECT user_id FROM orders" },
  {
    name: "hash-join",
    sql: "SELECT * FROM orders o JOIN users u ON u.id = o.user_id WHERE o.total > u.manager_id",
    options: "ANALYZE",
    settings: onlyHash,
  },
  {
    name: "hash-join-left",
    sql: "SELECT * FROM users u LEFT JOIN orders o ON u.id = o.user_id AND o.total < 3",
    settings: onlyHash,
  },
  { name: "hash-join-right", sql: "SELECT * FROM tiny t LEFT JOIN orders o ON t.id = o.user_id", settings: onlyHash },
  { name: "hash-join-full", sql: "SELECT * FROM users u FULL JOIN tiny t ON u.id = t.id", settings: onlyHash },
  {
    name: "hash-join-semi",
    sql: "SELECT * FROM orders WHERE user_id IN (SELECT id FROM tiny)",
    settings: { ...onlyHash, enable_sort: "off" },
  },
  {
    name: "hash-join-anti",
    sql: "SELECT * FROM orders o WHERE NOT EXISTS (SELECT FROM tiny t WHERE t.id = o.user_id)",
    settings: onlyHash,
  },
  {
    name: "hash-join-right-anti",
    sql: "SELECT * FROM tiny t WHERE NOT EXISTS (SELECT FROM orders o WHERE t.id = o.user_id)",
    settings: onlyHash,
  },
  {
    name: "hash-join-right-semi",
    sql: "SELECT * FROM tiny t WHERE EXISTS (SELECT FROM orders o WHERE t.id = o.user_id)",
    settings: onlyHash,
  },
  {
    name: "hash-join-parallel",
    sql: "SELECT count(*) FROM items i JOIN orders o ON o.id = i.order_id",
    settings: { ...onlyHash, ...parallel },
    options: measured,
  },
  {
    name: "merge-join",
    sql: "SELECT * FROM orders o JOIN users u ON u.id = o.id",
    options: measured,
    settings: onlyMerge,
  },
  {
    name: "merge-join-left",
    sql: "SELECT * FROM users u LEFT JOIN orders o ON u.id = o.id AND o.total < u.manager_id",
    settings: onlyMerge,
  },
  { name: "merge-join-full", sql: "SELECT * FROM users u FULL JOIN orders o ON u.id = o.id", settings: onlyMerge },
  {
    name: "merge-join-anti",
    sql: "SELECT * FROM orders o WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = o.id)",
    settings: onlyMerge,
  },
  {
    name: "nested-loop",
    sql: "SELECT * FROM tiny t JOIN orders o ON o.user_id = t.id",
    options: measured,
    settings: onlyNested,
  },
  {
    name: "nested-loop-left",
    sql: "SELECT * FROM tiny t LEFT JOIN users u ON u.id = t.id AND u.country <> t.name",
    settings: onlyNested,
  },
  {
    name: "nested-loop-semi",
    sql: "SELECT * FROM tiny t WHERE EXISTS (SELECT FROM orders o WHERE o.user_id = t.id AND o.total > 3)",
    settings: onlyNested,
  },
  {
    name: "nested-loop-anti",
    sql: "SELECT * FROM tiny t WHERE NOT EXISTS (SELECT FROM orders o WHERE o.user_id = t.id)",
    settings: onlyNested,
  },
  {
    name: "never-executed",
    sql: "SELECT * FROM tiny t JOIN orders o ON o.user_id = t.id WHERE t.id > 1000",
    options: "ANALYZE",
    settings: onlyNested,
  },
  {
    name: "self-join",
    sql: "SELECT * FROM orders JOIN orders AS later ON later.user_id = orders.user_id AND later.created_at > orders.created_at WHERE orders.id = 7",
    options: measured,
  },
  {
    name: "self-join-without-alias",
    sql: "SELECT (SELECT count(*) FROM orders WHERE total = 1) FROM orders WHERE id = 3",
  },
  {
    name: "join-four-tables",
    sql: "SELECT u.country, sum(i.quantity) FROM users u JOIN orders o ON o.user_id = u.id JOIN items i ON i.order_id = o.id LEFT JOIN tiny t ON t.id = i.product_id WHERE o.total < 50 GROUP BY u.country ORDER BY 2 DESC LIMIT 3",
    options: everything,
  },
  { name: "init-plan", sql: "SELECT * FROM orders WHERE total > (SELECT max(id) * 100 FROM tiny)", options: measured },
  {
    name: "init-plan-exists",
    sql: "SELECT * FROM tiny WHERE EXISTS (SELECT FROM orders WHERE total = 3)",
    options: "VERBOSE",
  },
  {
    name: "subplan-correlated",
    sql: "SELECT id, (SELECT max(total) FROM orders o WHERE o.user_id = t.id) FROM tiny t",
    options: measured,
  },
  { name: "subplan-hashed", sql: "SELECT * FROM users WHERE id NOT IN (SELECT user_id FROM orders WHERE total < 100)" },
  {
    name: "subplan-alternatives",
    sql: "SELECT * FROM users u WHERE EXISTS (SELECT FROM orders o WHERE o.user_id = u.id) OR u.id < 5",
    options: "ANALYZE",
  },
  { name: "subplan-any-array", sql: "SELECT ARRAY(SELECT id FROM tiny WHERE id < u.id) FROM users u WHERE u.id < 4" },
  {
    name: "cte-materialized",
    sql: "WITH totals AS MATERIALIZED (SELECT user_id, sum(total) AS s FROM orders GROUP BY 1) SELECT * FROM totals a JOIN totals b ON a.s = b.user_id",
    options: measured,
  },
  {
    name: "cte-odd-name",
    sql: 'WITH "My ""CTE""" AS MATERIALIZED (SELECT * FROM tiny) SELECT * FROM "My ""CTE"""',
    options: "VERBOSE",
  },
  {
    name: "cte-inlined",
    sql: "WITH recent AS (SELECT * FROM orders WHERE id < 10) SELECT * FROM recent WHERE total > 3",
  },
  {
    name: "cte-recursive",
    sql: "WITH RECURSIVE chain AS (SELECT * FROM users WHERE id = 9999 UNION ALL SELECT u.* FROM users u JOIN chain ON u.id = chain.manager_id AND u.id > 0) SELECT * FROM chain",
    options: "ANALYZE",
  },
  {
    name: "cte-that-writes",
    sql: "WITH gone AS (DELETE FROM items WHERE order_id = 5 RETURNING *) SELECT count(*) FROM gone",
    options: measured,
  },
  { name: "partitions-append", sql: "SELECT * FROM events WHERE kind = 'k3'", options: measured },
  { name: "partitions-pruned", sql: "SELECT * FROM events WHERE at >= '2026-02-10' AND kind = 'k3'" },
  { name: "partitions-pruned-to-one", sql: "SELECT * FROM events e WHERE at = '2026-02-10'", options: "VERBOSE" },
  {
    name: "partitions-merge-append",
    sql: "SELECT * FROM events ORDER BY id LIMIT 5",
    options: measured,
    settings: only("indexscan"),
  },
  { name: "partitions-ordered-append", sql: "SELECT * FROM events e ORDER BY at LIMIT 5", settings: only("indexscan") },
  {
    name: "partitions-removed-at-start",
    before:
      "SET LOCAL plan_cache_mode = force_generic_plan; PREPARE by_date (date) AS SELECT * FROM events WHERE at = $1",
    sql: "EXECUTE by_date ('2026-02-10')",
    options: measured,
  },
  {
    name: "partitions-pruned-while-running",
    sql: "SELECT * FROM tiny t JOIN hashed h ON h.id = t.id",
    options: measured,
    settings: only("indexscan", "nestloop", "seqscan"),
  },
  {
    name: "partitionwise-join",
    sql: "SELECT * FROM hashed a JOIN hashed b USING (id)",
    settings: { enable_partitionwise_join: "on" },
  },
  {
    name: "partitionwise-aggregate",
    sql: "SELECT id, count(*) FROM hashed GROUP BY id",
    settings: { enable_partitionwise_aggregate: "on" },
    options: measured,
  },
  {
    name: "parallel-seq-scan",
    sql: "SELECT * FROM orders WHERE total = 5 AND status <> 'x'",
    settings: { ...only("seqscan"), ...parallel },
    options: measured,
  },
  {
    name: "parallel-seq-scan-verbose",
    sql: "SELECT * FROM orders WHERE total = 5 ORDER BY id",
    settings: { ...only("seqscan"), ...parallel },
    options: "ANALYZE, VERBOSE",
  },
  {
    name: "parallel-aggregate",
    sql: "SELECT status, sum(total) FROM orders GROUP BY status",
    settings: { ...only("seqscan", "hashagg"), ...parallel },
  },
  {
    name: "parallel-plain-aggregate",
    sql: "SELECT count(*) FROM orders",
    settings: { ...only("seqscan"), ...parallel },
    options: "ANALYZE",
  },
  {
    name: "parallel-group-aggregate",
    sql: "SELECT user_id, sum(total) FROM orders GROUP BY user_id",
    settings: { ...only("indexscan"), ...parallel },
  },
  {
    name: "parallel-gather-merge",
    sql: "SELECT * FROM orders ORDER BY total, id LIMIT 10",
    settings: { ...only("seqscan"), ...parallel },
  },
  {
    name: "parallel-index-scan",
    sql: "SELECT sum(total) FROM orders WHERE user_id < 3000",
    settings: { ...only("indexscan"), ...parallel },
  },
  {
    name: "parallel-index-only-scan",
    sql: "SELECT count(*) FROM orders WHERE created_at > '2026-01-02'",
    settings: { ...only("indexonlyscan"), ...parallel },
  },
  {
    name: "parallel-bitmap-heap-scan",
    sql: "SELECT sum(total) FROM orders WHERE total < 900 AND user_id > 7",
    settings: { ...only("bitmapscan"), ...parallel },
  },
  {
    name: "parallel-append",
    sql: "SELECT count(*) FROM events WHERE kind = 'k3'",
    settings: { ...only("seqscan"), ...parallel },
  },
  {
    name: "parallel-single-copy",
    sql: "SELECT count(*) FROM tiny",
    before:
      "DO $$ BEGIN PERFORM set_config(CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END, 'on', true); END $$",
  },
  { name: "insert", sql: "INSERT INTO items SELECT id, 1, 1 FROM tiny", options: everything },
  {
    name: "insert-on-conflict",
    sql: "INSERT INTO users AS u VALUES (1, 'de', 1) ON CONFLICT (id) DO UPDATE SET country = 'us' WHERE u.id > 0",
    options: measured,
  },
  { name: "insert-on-conflict-nothing", sql: "INSERT INTO users VALUES (1, 'de', 1) ON CONFLICT DO NOTHING" },
  { name: "update", sql: "UPDATE orders o SET total = 0 WHERE id = 7 AND o.status = 'paid'", options: "VERBOSE" },
  { name: "update-trigger", sql: "UPDATE tiny SET name = 'x' WHERE id = 2", options: "ANALYZE" },
  { name: "update-partitions", sql: "UPDATE events SET kind = 'x' WHERE id = 3", options: measured },
  { name: "delete-cascade-triggers", sql: "DELETE FROM users WHERE id = 9", options: "ANALYZE" },
  { name: "delete-using", sql: "DELETE FROM items i USING tiny t WHERE i.order_id = t.id" },
  {
    name: "merge",
    sql: "MERGE INTO users u USING tiny t ON u.id = t.id WHEN MATCHED THEN UPDATE SET country = t.name WHEN NOT MATCHED THEN INSERT VALUES (t.id, t.name, 0)",
    options: measured,
    since: 15,
  },
  { name: "foreign-scan", sql: "SELECT * FROM far.orders WHERE total = 3", options: "VERBOSE" },
  { name: "foreign-join", sql: "SELECT * FROM far.orders o JOIN far.users u ON u.id = o.user_id", options: "VERBOSE" },
  { name: "foreign-update", sql: "UPDATE far.orders SET total = 0 WHERE id = 3", options: "VERBOSE" },
  { name: "foreign-delete-analyze", sql: "DELETE FROM far.tiny WHERE id > 100000", options: measured },
  {
    name: "foreign-async",
    sql: "SELECT * FROM far.orders WHERE total = 3 UNION ALL SELECT * FROM far.orders WHERE total = 4",
    since: 14,
  },
  { name: "foreign-file", sql: "SELECT * FROM conf LIMIT 3" },
  {
    name: "odd-names",
    sql: 'SELECT * FROM "Odd ""Name""" AS "select" WHERE "a b" = \'x\' AND "order" < 5',
    options: "VERBOSE",
    settings: only("indexscan", "indexonlyscan"),
  },
  { name: "odd-names-line-break", sql: 'SELECT * FROM "two\nlines" AS "o\'brien\n  ->  Seq Scan on x" WHERE n > 1' },
  {
    name: "odd-literals",
    sql: "SELECT * FROM tiny WHERE name <> 'it''s (\n  ->  Index Scan using i on orders' AND name <> '\\'",
    options: measured,
  },
  {
    name: "settings",
    sql: "SELECT * FROM tiny",
    options: "SETTINGS",
    settings: { work_mem: "64MB", enable_seqscan: "off", random_page_cost: "1.1" },
  },
  {
    name: "generic-plan",
    sql: "SELECT * FROM orders WHERE user_id = $1 AND status = $2 ORDER BY created_at DESC LIMIT $3",
    options: "GENERIC_PLAN",
    since: 16,
  },
  { name: "serialize-memory", sql: "SELECT * FROM tiny", options: "ANALYZE, SERIALIZE, MEMORY, BUFFERS", since: 17 },
  { name: "create-table-as", sql: "CREATE TABLE made AS SELECT * FROM tiny" },
];

/** The plans of the incident: `after` was printed in production; `before` was made to agree with what is known of the time before. */
export const incident = {
  before: `
Limit  (cost=0.43..74.87 rows=18 width=412) (actual time=0.031..2.714 rows=18 loops=1)
  ->  Index Scan Backward using idx_orders_user_id_ca on orders  (cost=0.43..74.87 rows=18 width=412) (actual time=0.030..2.708 rows=18 loops=1)
        Index Cond: (user_id = 10482)
        Filter: ((status)::text <> 'deleted'::text)
Planning Time: 0.201 ms
Execution Time: 2.802 ms
`,
  after: `Seq Scan on orders (cost=0.00..312,847.23 rows=18 width=412)
(actual time=0.041..38312.847 rows=18 loops=1)
Filter: ((user_id = 10482) AND ((status)::text <> 'deleted'::text))
Rows Removed by Filter: 2,299,982
Planning Time: 0.312 ms
Execution Time: 38,312.914 ms
`,
};

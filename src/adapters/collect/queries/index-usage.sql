-- How often each index was scanned since the counters were last reset. Partitioned indexes have no counters of their own.
SELECT coalesce(
  json_agg(
    json_strip_nulls(json_build_object(
      'schema', s.schemaname,
      'table', s.relname,
      'index', s.indexrelname,
      'oid', s.indexrelid::bigint,
      'scans', s.idx_scan,
      'tuplesRead', s.idx_tup_read,
      'tuplesFetched', s.idx_tup_fetch,
      -- From PostgreSQL 16 on; absent before.
      'lastScan', to_char((to_jsonb(s) ->> 'last_idx_scan')::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'sizeBytes', pg_relation_size(s.indexrelid)
    ))
    ORDER BY s.schemaname, s.relname, s.indexrelname
  ),
  '[]'
) AS value
FROM pg_stat_user_indexes AS s
WHERE s.schemaname !~ '^pg_'

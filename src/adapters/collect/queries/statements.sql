-- Statements of this database, over all users, from pg_stat_statements 1.8 on.
SELECT json_build_object(
  'entries', (SELECT count(*) FROM pg_stat_statements(false)),
  'rows', (
    SELECT coalesce(
      json_agg(json_build_object('queryId', s.queryid::text, 'query', s.query, 'calls', s.calls, 'totalMs', s.ms) ORDER BY s.ms DESC, s.queryid),
      '[]'
    )
    FROM (
      SELECT queryid, (array_agg(query ORDER BY calls DESC))[1] AS query, sum(calls) AS calls, sum(total_exec_time) AS ms
      FROM pg_stat_statements
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      GROUP BY queryid
    ) AS s
  )
) AS value

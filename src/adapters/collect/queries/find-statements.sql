-- Where pg_stat_statements is, whether the role may read it, and what it counts.
SELECT json_build_object(
  'schema', n.nspname,
  'version', e.extversion,
  'maySelect', has_schema_privilege(n.oid, 'USAGE')
    AND has_table_privilege(to_regclass(format('%I.pg_stat_statements', n.nspname)), 'SELECT'),
  -- Absent where the library was not loaded at server start.
  'max', (SELECT setting::int FROM pg_settings WHERE name = 'pg_stat_statements.max'),
  'track', (SELECT setting FROM pg_settings WHERE name = 'pg_stat_statements.track'),
  'computeQueryId', current_setting('compute_query_id', true),
  -- ALTER ROLE or ALTER DATABASE … SET: those sessions may not be counted.
  'exceptions', EXISTS (
    SELECT FROM pg_db_role_setting AS s, unnest(s.setconfig) AS entry
    WHERE (s.setdatabase = 0 OR s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))
      AND split_part(entry, '=', 1) IN ('pg_stat_statements.track', 'compute_query_id')
  )
) AS value
FROM pg_extension AS e
JOIN pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'

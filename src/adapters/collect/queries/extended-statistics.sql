-- CREATE STATISTICS objects.
SELECT coalesce(
  json_agg(
    json_build_object('schema', n.nspname, 'name', s.stxname, 'table', c.relname, 'definition', pg_get_statisticsobjdef(s.oid))
    ORDER BY n.nspname, s.stxname
  ),
  '[]'
) AS value
FROM pg_statistic_ext AS s
JOIN pg_class AS c ON c.oid = s.stxrelid
JOIN pg_namespace AS n ON n.oid = s.stxnamespace
WHERE pg_get_statisticsobjdef(s.oid) IS NOT NULL
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'

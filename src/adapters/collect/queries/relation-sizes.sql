-- Sizes as the planner sees them, and whether the role may read each relation's column statistics.
SELECT coalesce(
  json_agg(
    json_strip_nulls(json_build_object(
      'schema', n.nspname,
      'name', c.relname,
      'kind', CASE c.relkind
        WHEN 'r' THEN 'table'
        WHEN 'p' THEN 'partitioned-table'
        WHEN 'm' THEN 'materialized-view'
        WHEN 'f' THEN 'foreign-table'
        WHEN 'i' THEN 'index'
        ELSE 'partitioned-index'
      END,
      'table', t.relname,
      'relpages', c.relpages,
      'reltuples', c.reltuples,
      'relallvisible', c.relallvisible,
      'blocks', CASE WHEN c.relkind IN ('r', 'm', 'i') THEN pg_relation_size(c.oid) / current_setting('block_size')::int END,
      -- PostgreSQL 13 has no pg_read_all_data, and nobody can be granted SELECT on an index.
      'mayRead', CASE
        WHEN i.indexrelid IS NULL OR (c.relkind = 'i' AND i.indexprs IS NOT NULL) THEN has_table_privilege(c.oid, 'SELECT')
      END,
      'rowSecurity', CASE WHEN c.relrowsecurity THEN row_security_active(c.oid) END
    ))
    ORDER BY n.nspname, c.relname
  ),
  '[]'
) AS value
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
LEFT JOIN pg_class AS t ON t.oid = i.indrelid
WHERE c.relkind IN ('r', 'p', 'm', 'f', 'i', 'I') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

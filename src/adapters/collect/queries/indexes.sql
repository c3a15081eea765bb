-- Indexes: their definition, and what CREATE INDEX does not say.
SELECT coalesce(
  json_agg(
    json_strip_nulls(json_build_object(
      'schema', n.nspname,
      'name', c.relname,
      'table', t.relname,
      'oid', c.oid::bigint,
      'primary', i.indisprimary,
      'exclusion', i.indisexclusion,
      'valid', i.indisvalid AND i.indisready AND i.indislive,
      'clustered', i.indisclustered,
      'replicaIdentity', i.indisreplident,
      'partitionOf', CASE WHEN p.oid IS NOT NULL THEN json_build_object('schema', pn.nspname, 'name', p.relname) END,
      'definition', pg_get_indexdef(c.oid)
    ))
    ORDER BY n.nspname, c.relname
  ),
  '[]'
) AS value
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits AS h ON h.inhrelid = c.oid
LEFT JOIN pg_class AS p ON p.oid = h.inhparent
LEFT JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

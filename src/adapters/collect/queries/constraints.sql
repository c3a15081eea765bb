-- Constraints of tables, with the index that each one rests on.
SELECT coalesce(
  json_agg(
    json_strip_nulls(json_build_object(
      'schema', n.nspname,
      'table', t.relname,
      'name', k.conname,
      'type', CASE k.contype
        WHEN 'p' THEN 'primary-key'
        WHEN 'u' THEN 'unique'
        WHEN 'x' THEN 'exclusion'
        WHEN 'f' THEN 'foreign-key'
        WHEN 'c' THEN 'check'
        ELSE 'not-null'
      END,
      'columns', coalesce((
        SELECT json_agg(a.attname ORDER BY key.position)
        FROM unnest(k.conkey) WITH ORDINALITY AS key (attnum, position)
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = key.attnum
      ), '[]'),
      'index', i.relname,
      'references', CASE WHEN k.contype = 'f' THEN json_build_object(
        'schema', rn.nspname,
        'table', r.relname,
        'columns', (
          SELECT json_agg(a.attname ORDER BY key.position)
          FROM unnest(k.confkey) WITH ORDINALITY AS key (attnum, position)
          JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = key.attnum
        )
      ) END,
      'definition', pg_get_constraintdef(k.oid),
      'validated', k.convalidated
    ))
    ORDER BY n.nspname, t.relname, k.conname
  ),
  '[]'
) AS value
FROM pg_constraint AS k
JOIN pg_class AS t ON t.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
LEFT JOIN pg_class AS i ON i.oid = k.conindid
LEFT JOIN pg_class AS r ON r.oid = k.confrelid
LEFT JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
WHERE k.contype IN ('p', 'u', 'x', 'f', 'c', 'n') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

-- Heights of B-trees, from their meta pages. Needs pageinspect in the search path, and a superuser.
SELECT coalesce(
  json_agg(json_build_object('schema', n.nspname, 'name', c.relname, 'height', (bt_metap(c.oid::regclass::text)).fastlevel)),
  '[]'
) AS value
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_am AS m ON m.oid = c.relam
JOIN pg_index AS i ON i.indexrelid = c.oid
WHERE c.relkind = 'i'
  AND m.amname = 'btree'
  -- One that is still being built may not have a meta page.
  AND i.indisvalid
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
  -- A standby has no unlogged data.
  AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())

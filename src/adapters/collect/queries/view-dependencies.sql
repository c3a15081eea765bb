-- Which relations and columns each view and materialized view reads.
SELECT coalesce(json_agg(dependency ORDER BY dependency -> 'view' ->> 'schema', dependency -> 'view' ->> 'name', dependency::text), '[]') AS value
FROM (
  SELECT json_strip_nulls(json_build_object(
    'view', json_build_object('schema', vn.nspname, 'name', v.relname),
    'on', json_build_object('schema', n.nspname, 'name', c.relname),
    'columns', json_agg(a.attname ORDER BY a.attnum) FILTER (WHERE a.attnum IS NOT NULL)
  )) AS dependency
  FROM pg_rewrite AS r
  JOIN pg_class AS v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
  JOIN pg_namespace AS vn ON vn.oid = v.relnamespace
  JOIN pg_depend AS d
    ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid
  JOIN pg_class AS c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid AND a.attnum > 0
  WHERE vn.nspname !~ '^pg_' AND vn.nspname <> 'information_schema'
  GROUP BY vn.nspname, v.relname, n.nspname, c.relname
) AS found

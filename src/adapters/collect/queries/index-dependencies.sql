-- Which types, functions, operator classes, extensions … take an index with them when they are dropped with CASCADE: all that the
-- index needs, directly, through a column of its table, through an element of either, or through the query of a materialized view.
WITH RECURSIVE edge AS (
  SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid
  FROM pg_depend
  WHERE deptype IN ('n', 'a', 'i', 'I', 'P', 'S', 'e')
  UNION
  -- The rule of a view and the expression of a generated column are parts of them: these go when the part has to.
  SELECT refclassid, refobjid, refobjsubid, classid, objid, objsubid
  FROM pg_depend
  WHERE classid IN ('pg_rewrite'::regclass, 'pg_attrdef'::regclass) AND refclassid = 'pg_class'::regclass AND deptype = 'i'
),
reached AS (
  SELECT c.oid AS index, 'pg_class'::regclass::oid AS classid, c.oid AS objid, 0 AS objsubid
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('i', 'I') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  UNION
  SELECT r.index, e.refclassid, e.refobjid, e.refobjsubid
  FROM reached AS r
  JOIN edge AS e ON e.classid = r.classid AND e.objid = r.objid AND (e.objsubid = r.objsubid OR e.objsubid = 0)
),
named AS (
  SELECT r.index, CASE WHEN t.typtype = 'd' THEN 'domain' ELSE 'type' END AS kind, t.typnamespace AS namespace, t.typname AS name
  FROM reached AS r
  JOIN pg_type AS t ON r.classid = 'pg_type'::regclass AND t.oid = r.objid
  LEFT JOIN pg_class AS c ON c.oid = t.typrelid
  WHERE (c.oid IS NULL OR c.relkind = 'c') AND NOT EXISTS (SELECT FROM pg_type AS element WHERE element.typarray = t.oid)
  UNION
  SELECT r.index, 'function', p.pronamespace, p.proname
  FROM reached AS r
  JOIN pg_proc AS p ON r.classid = 'pg_proc'::regclass AND p.oid = r.objid
  UNION
  SELECT r.index, 'operator-class', o.opcnamespace, o.opcname
  FROM reached AS r
  JOIN pg_opclass AS o ON r.classid = 'pg_opclass'::regclass AND o.oid = r.objid
  UNION
  SELECT r.index, 'operator-family', o.opfnamespace, o.opfname
  FROM reached AS r
  JOIN pg_opfamily AS o ON r.classid = 'pg_opfamily'::regclass AND o.oid = r.objid
  UNION
  SELECT r.index, 'operator', o.oprnamespace, o.oprname
  FROM reached AS r
  JOIN pg_operator AS o ON r.classid = 'pg_operator'::regclass AND o.oid = r.objid
  UNION
  SELECT r.index, 'collation', o.collnamespace, o.collname
  FROM reached AS r
  JOIN pg_collation AS o ON r.classid = 'pg_collation'::regclass AND o.oid = r.objid
  UNION
  SELECT r.index, 'extension', NULL, e.extname
  FROM reached AS r
  JOIN pg_extension AS e ON r.classid = 'pg_extension'::regclass AND e.oid = r.objid
  UNION
  SELECT r.index, 'access-method', NULL, m.amname
  FROM reached AS r
  JOIN pg_am AS m ON r.classid = 'pg_am'::regclass AND m.oid = r.objid
  UNION
  SELECT r.index, 'schema', NULL, n.nspname
  FROM reached AS r
  JOIN pg_namespace AS n ON r.classid = 'pg_namespace'::regclass AND n.oid = r.objid
  JOIN pg_class AS c ON c.oid = r.index
  WHERE c.relnamespace <> n.oid
)
SELECT coalesce(
  json_agg(
    json_build_object(
      'index', json_build_object('schema', n.nspname, 'name', c.relname),
      'on', json_strip_nulls(json_build_object('kind', named.kind, 'schema', o.nspname, 'name', named.name))
    )
    ORDER BY n.nspname, c.relname, named.kind, named.name
  ),
  '[]'
) AS value
FROM named
JOIN pg_class AS c ON c.oid = named.index
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_namespace AS o ON o.oid = named.namespace
WHERE coalesce(o.nspname, '') <> 'pg_catalog'

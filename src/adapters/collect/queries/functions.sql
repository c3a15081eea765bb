-- Functions and procedures by name; the source of those that indexes, tables, views or types use, and of no other.
WITH used AS (
  SELECT DISTINCT refobjid AS oid
  FROM pg_depend
  WHERE refclassid = 'pg_proc'::regclass
    AND classid IN ('pg_class'::regclass, 'pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_rewrite'::regclass, 'pg_type'::regclass)
)
SELECT json_build_object(
  'functions', coalesce(
    json_agg(
      json_strip_nulls(json_build_object('schema', f.nspname, 'name', f.proname, 'definition', f.definition, 'extension', f.extname))
      ORDER BY f.nspname, f.proname, f.definition
    ),
    '[]'
  ),
  -- Their statements are not in a workload that counts top-level statements only.
  'runsStatements', coalesce(bool_or(f.runs), false)
) AS value
FROM (
  SELECT
    n.nspname,
    p.proname,
    e.extname,
    bool_or(e.oid IS NULL AND l.lanname NOT IN ('internal', 'c')) AS runs,
    CASE WHEN e.oid IS NULL AND p.prokind <> 'a' AND p.oid IN (SELECT oid FROM used) THEN pg_get_functiondef(p.oid) END AS definition
  FROM pg_proc AS p
  JOIN pg_namespace AS n ON n.oid = p.pronamespace
  JOIN pg_language AS l ON l.oid = p.prolang
  LEFT JOIN pg_depend AS d
    ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  LEFT JOIN pg_extension AS e ON e.oid = d.refobjid
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  GROUP BY 1, 2, 3, 5
) AS f

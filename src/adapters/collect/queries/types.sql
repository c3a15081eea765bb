-- Types that people made: enums, domains, composites, ranges; base types come with extensions.
WITH made AS (
  SELECT t.*, n.nspname, format('%I.%I', n.nspname, t.typname) AS quoted, e.extname
  FROM pg_type AS t
  JOIN pg_namespace AS n ON n.oid = t.typnamespace
  LEFT JOIN pg_class AS c ON c.oid = t.typrelid
  LEFT JOIN pg_depend AS d
    ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  LEFT JOIN pg_extension AS e ON e.oid = d.refobjid
  WHERE n.nspname !~ '^pg_'
    AND n.nspname <> 'information_schema'
    AND t.typtype IN ('e', 'd', 'c', 'r', 'b')
    AND t.typisdefined
    AND (t.typtype <> 'c' OR c.relkind = 'c')
    AND NOT EXISTS (SELECT FROM pg_type AS element WHERE element.typarray = t.oid)
)
SELECT coalesce(
  json_agg(
    json_strip_nulls(json_build_object(
      'schema', m.nspname,
      'name', m.typname,
      'kind', CASE m.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite' WHEN 'r' THEN 'range' ELSE 'base' END,
      'labels', CASE WHEN m.typtype = 'e' THEN (
        SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_enum AS l WHERE l.enumtypid = m.oid
      ) END,
      'definition', CASE m.typtype
        WHEN 'e' THEN (
          SELECT format('CREATE TYPE %s AS ENUM (%s)', m.quoted, string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder))
          FROM pg_enum AS l
          WHERE l.enumtypid = m.oid
        )
        WHEN 'd' THEN concat_ws(
          ' ',
          format('CREATE DOMAIN %s AS %s', m.quoted, format_type(m.typbasetype, m.typtypmod)),
          (
            SELECT format('COLLATE %I.%I', cn.nspname, co.collname)
            FROM pg_type AS b
            JOIN pg_collation AS co ON co.oid = m.typcollation AND m.typcollation <> b.typcollation
            JOIN pg_namespace AS cn ON cn.oid = co.collnamespace
            WHERE b.oid = m.typbasetype
          ),
          'DEFAULT ' || m.typdefault,
          CASE WHEN m.typnotnull THEN 'NOT NULL' END,
          (
            SELECT string_agg(format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), ' ' ORDER BY k.conname)
            FROM pg_constraint AS k
            WHERE k.contypid = m.oid AND k.contype = 'c'
          )
        )
        WHEN 'c' THEN format('CREATE TYPE %s AS (%s)', m.quoted, (
          SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
          FROM pg_attribute AS a
          WHERE a.attrelid = m.typrelid AND a.attnum > 0 AND NOT a.attisdropped
        ))
        WHEN 'r' THEN (
          SELECT format('CREATE TYPE %s AS RANGE (SUBTYPE = %s)', m.quoted, format_type(r.rngsubtype, NULL))
          FROM pg_range AS r
          WHERE r.rngtypid = m.oid
        )
      END,
      'extension', m.extname
    ))
    ORDER BY m.nspname, m.typname
  ),
  '[]'
) AS value
FROM made AS m

-- Tables, partitioned and foreign tables, views and materialized views, with their columns.
WITH relation AS (
  SELECT c.*, n.nspname
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
),
columns AS (
  SELECT
    a.attrelid,
    json_agg(
      json_strip_nulls(json_build_object(
        'name', a.attname,
        'type', format_type(a.atttypid, a.atttypmod),
        'notNull', a.attnotnull,
        'default', pg_get_expr(d.adbin, d.adrelid),
        'generated', CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END,
        'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by-default' END,
        'collation', co.collname,
        'inherited', CASE WHEN a.attinhcount > 0 THEN true END
      ))
      ORDER BY a.attnum
    ) AS list
  FROM pg_attribute AS a
  JOIN relation AS r ON r.oid = a.attrelid
  JOIN pg_type AS t ON t.oid = a.atttypid
  LEFT JOIN pg_collation AS co ON co.oid = a.attcollation AND a.attcollation <> t.typcollation
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped
  GROUP BY a.attrelid
),
parents AS (
  SELECT
    i.inhrelid,
    json_agg(json_build_object('schema', n.nspname, 'name', p.relname) ORDER BY i.inhseqno) AS list
  FROM pg_inherits AS i
  JOIN pg_class AS p ON p.oid = i.inhparent
  JOIN pg_namespace AS n ON n.oid = p.relnamespace
  GROUP BY i.inhrelid
),
published AS (
  SELECT DISTINCT n.oid AS namespace, p.tablename
  FROM pg_publication_tables AS p
  JOIN pg_namespace AS n ON n.nspname = p.schemaname
),
member AS (
  SELECT d.objid, e.extname
  FROM pg_depend AS d
  JOIN pg_extension AS e ON e.oid = d.refobjid
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
)
SELECT coalesce(
  json_agg(
    json_strip_nulls(json_build_object(
      'schema', r.nspname,
      'name', r.relname,
      'oid', r.oid::bigint,
      'kind', CASE r.relkind
        WHEN 'r' THEN 'table'
        WHEN 'p' THEN 'partitioned-table'
        WHEN 'm' THEN 'materialized-view'
        WHEN 'v' THEN 'view'
        ELSE 'foreign-table'
      END,
      -- An extension makes its own views.
      'columns', CASE WHEN r.relkind <> 'v' OR member.extname IS NULL THEN coalesce(columns.list, '[]') END,
      'partitionOf', CASE WHEN r.relispartition THEN parents.list -> 0 END,
      'partitionBound', pg_get_expr(r.relpartbound, r.oid),
      'partitionKey', CASE WHEN r.relkind = 'p' THEN pg_get_partkeydef(r.oid) END,
      'inherits', CASE WHEN NOT r.relispartition THEN parents.list END,
      -- PostgreSQL 13 has 0 where later versions have −1: never analysed.
      'rows', CASE WHEN r.reltuples < 0 OR (r.reltuples = 0 AND r.relpages = 0) THEN NULL ELSE r.reltuples END,
      'replicaIdentity', CASE
        WHEN r.relkind NOT IN ('r', 'p') THEN NULL
        ELSE CASE r.relreplident WHEN 'd' THEN 'default' WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' ELSE 'index' END
      END,
      'published', CASE
        WHEN r.relkind IN ('r', 'p') THEN EXISTS (
          SELECT
          FROM published
          WHERE (published.namespace, published.tablename) = (r.relnamespace, r.relname)
        ) OR (r.relispartition AND EXISTS (
          -- Published through its root: publish_via_partition_root.
          SELECT
          FROM pg_partition_ancestors(r.oid) AS a
          JOIN pg_class AS c ON c.oid = a.relid
          JOIN published ON (published.namespace, published.tablename) = (c.relnamespace, c.relname)
        ))
      END,
      'owner', pg_get_userbyid(r.relowner),
      'definition', CASE WHEN r.relkind IN ('v', 'm') AND member.extname IS NULL THEN pg_get_viewdef(r.oid) END,
      'persistence', CASE r.relpersistence WHEN 'p' THEN 'permanent' WHEN 'u' THEN 'unlogged' END,
      'options', to_json(r.reloptions),
      'extension', member.extname
    ))
    ORDER BY r.nspname, r.relname
  ),
  '[]'
) AS value
FROM relation AS r
LEFT JOIN columns ON columns.attrelid = r.oid
LEFT JOIN parents ON parents.inhrelid = r.oid
LEFT JOIN member ON member.objid = r.oid

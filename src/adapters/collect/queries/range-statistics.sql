-- The columns of pg_stats for ranges, from PostgreSQL 17 on. $1 is the values policy; lengths and bounds are histograms.
WITH measured AS (
  SELECT r.rngtypid
  FROM pg_range AS r
  JOIN pg_type AS t ON t.oid = r.rngsubtype
  WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typcategory IN ('N', 'D', 'T')
)
SELECT coalesce(
  json_agg(json_strip_nulls(json_build_object(
    'schema', s.schemaname,
    'relation', s.tablename,
    'column', s.attname,
    'inherited', s.inherited,
    'rangeLengthHistogram', CASE WHEN k.allowed THEN s.range_length_histogram::text END,
    'rangeEmptyFrac', s.range_empty_frac,
    'rangeBoundsHistogram', CASE WHEN k.allowed THEN s.range_bounds_histogram::text END
  ))),
  '[]'
) AS value
FROM pg_stats AS s
JOIN pg_namespace AS n ON n.nspname = s.schemaname
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = s.tablename
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.attname
CROSS JOIN LATERAL (
  SELECT $1 = 'all' OR $1 = 'low-cardinality' AND EXISTS (SELECT FROM measured WHERE measured.rngtypid = a.atttypid) AS allowed
) AS k
WHERE s.range_empty_frac IS NOT NULL AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

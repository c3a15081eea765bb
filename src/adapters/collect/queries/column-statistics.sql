-- pg_stats. $1 is the values policy: "low-cardinality" gives the most common values of columns with at most 100 distinct ones, and
-- histograms of numbers and times; "none" gives frequencies alone. What is not to be read does not leave the server.
WITH RECURSIVE base AS (
  SELECT oid AS type, oid AS base FROM pg_type WHERE typtype <> 'd'
  UNION ALL
  SELECT d.oid, base.base FROM base JOIN pg_type AS d ON d.typtype = 'd' AND d.typbasetype = base.type
),
-- Numbers and times of PostgreSQL's own.
measure AS (
  SELECT base.type
  FROM base
  JOIN pg_type AS t ON t.oid = base.base
  WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typcategory IN ('N', 'D', 'T')
),
described AS (
  SELECT
    s.*,
    CASE WHEN c.relkind IN ('i', 'I') THEN a.attnum END AS attnum,
    $1 = 'all' OR $1 = 'low-cardinality' AND CASE
      WHEN s.n_distinct > 0 THEN s.n_distinct <= 100
      -- Nearly every row has a value of its own, however few they are: names and addresses, not kinds.
      WHEN s.n_distinct < -0.5 THEN false
      ELSE -s.n_distinct * greatest(c.reltuples, 0) <= 100
    END AS common,
    $1 = 'all' OR $1 = 'low-cardinality' AND EXISTS (SELECT FROM measure WHERE measure.type = a.atttypid) AS bounds
  FROM pg_stats AS s
  JOIN pg_namespace AS n ON n.nspname = s.schemaname
  JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = s.tablename
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.attname
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
)
SELECT coalesce(
  json_agg(
    json_strip_nulls(json_build_object(
      'schema', d.schemaname,
      'relation', d.tablename,
      'column', d.attname,
      'attnum', d.attnum,
      'inherited', d.inherited,
      'nullFrac', d.null_frac,
      'avgWidth', d.avg_width,
      'nDistinct', d.n_distinct,
      'mostCommonVals', CASE WHEN d.common THEN d.most_common_vals::text END,
      'mostCommonFreqs', d.most_common_freqs,
      'histogramBounds', CASE WHEN d.bounds THEN d.histogram_bounds::text END,
      'correlation', nullif(d.correlation, 'NaN'),
      -- How many different elements there are, nobody knows.
      'mostCommonElems', CASE WHEN $1 = 'all' THEN d.most_common_elems::text END,
      'mostCommonElemFreqs', d.most_common_elem_freqs,
      'elemCountHistogram', d.elem_count_histogram
    ))
    ORDER BY d.schemaname, d.tablename, d.attname, d.inherited
  ),
  '[]'
) AS value
FROM described AS d

WITH gone AS (DELETE FROM pg_catalog.pg_class RETURNING 1) SELECT * FROM gone;

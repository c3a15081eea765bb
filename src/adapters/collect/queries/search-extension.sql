-- Makes the names of an extension's schema ($1) known, after PostgreSQL's own.
SELECT set_config('search_path', format('pg_catalog, %I', $1::text), true) AS value

SET lock_timeout = '2s';
SET statement_timeout TO DEFAULT;
SHOW search_path;
SELECT pg_catalog.set_config('search_path', '', false);
BEGIN;
COMMIT;

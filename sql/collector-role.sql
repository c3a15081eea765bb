-- The role that `plangate evidence collect` connects as. Run it as a superuser on the primary, in each database that is collected:
--
--   psql --dbname orders --file sql/collector-role.sql
--   psql --dbname orders --command '\password plangate_collector'
--
-- It can log in, look at statistics and read tables; it can change nothing. plangate reads no row of any table: PostgreSQL shows
-- the planner's statistics of a table to those who may SELECT from it, and to nobody else.
-- Standbys follow. Running it again does no harm.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'plangate_collector') THEN
    CREATE ROLE plangate_collector LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
  END IF;
END
$$;

ALTER ROLE plangate_collector SET default_transaction_read_only = on;
ALTER ROLE plangate_collector CONNECTION LIMIT 5;

-- Counters and settings of the whole server, texts of other users' statements, standbys.
GRANT pg_monitor TO plangate_collector;

DO $$
DECLARE
  schema name;
BEGIN
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO plangate_collector', current_database());
  IF current_setting('server_version_num')::int >= 140000 THEN
    GRANT pg_read_all_data TO plangate_collector;
  ELSE
    -- PostgreSQL 13: schema by schema. Tables of other owners that come later need the same again, or ALTER DEFAULT PRIVILEGES for
    -- each owner. The statistics of indexed expressions stay hidden from everyone but their owner.
    FOR schema IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
      EXECUTE format('GRANT USAGE ON SCHEMA %I TO plangate_collector', schema);
      EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO plangate_collector', schema);
      EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON TABLES TO plangate_collector', schema);
    END LOOP;
  END IF;
END
$$;

-- Where tables have row security, their statistics are hidden too. To collect them:
--   ALTER ROLE plangate_collector BYPASSRLS;

-- The workload. Needs shared_preload_libraries = 'pg_stat_statements' and a restart. plangate looks for the extension in the
-- database that it is connected to. It calls a workload complete when nothing was evicted (pg_stat_statements.max), and statements inside
-- functions are counted (pg_stat_statements.track = all) or there are no functions that could run any.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;

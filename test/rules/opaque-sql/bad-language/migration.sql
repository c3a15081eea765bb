CREATE FUNCTION cleanup() RETURNS void LANGUAGE plpython3u AS $$ plpy.execute('DROP INDEX a') $$;

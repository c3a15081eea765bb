DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT ' || current_setting('a.b') LOOP NULL; END LOOP; END $$;

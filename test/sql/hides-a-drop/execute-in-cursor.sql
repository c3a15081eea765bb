DO $$ DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE current_setting('a.b'); END $$;

CREATE FUNCTION tidy() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DROP INDEX idx_orders_user_id_ca; RETURN 1; END $$;
DO $$ DECLARE n some_domain := tidy(); BEGIN NULL; END $$;

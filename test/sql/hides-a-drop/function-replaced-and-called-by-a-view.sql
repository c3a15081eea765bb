CREATE OR REPLACE FUNCTION shown(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DROP INDEX idx_orders_user_id_ca; RETURN 1; END $$;
SELECT * FROM recent;

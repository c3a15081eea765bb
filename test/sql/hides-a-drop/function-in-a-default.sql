CREATE FUNCTION tidy() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DROP INDEX idx_orders_user_id_ca; RETURN 1; END $$;
ALTER TABLE orders ADD COLUMN n int DEFAULT tidy();

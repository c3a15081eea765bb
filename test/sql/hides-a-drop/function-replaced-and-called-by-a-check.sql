CREATE OR REPLACE FUNCTION shown(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN DROP INDEX idx_orders_user_id_ca; RETURN true; END $$;
ALTER TABLE orders VALIDATE CONSTRAINT orders_email_check;

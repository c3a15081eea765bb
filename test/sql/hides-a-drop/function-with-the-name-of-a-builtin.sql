CREATE FUNCTION lower(int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP INDEX idx_orders_user_id_ca; END $$;
SELECT lower(1);

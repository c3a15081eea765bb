CREATE FUNCTION tidy() RETURNS void LANGUAGE sql AS $$ DROP INDEX idx_orders_user_id_ca $$;
SELECT tidy();

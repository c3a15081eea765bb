CREATE FUNCTION tidy(orders) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DROP INDEX idx_orders_user_id_ca; RETURN 1; END $$;
SELECT o.tidy FROM orders o;

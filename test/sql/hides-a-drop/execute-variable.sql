DO $$ DECLARE s text := 'DROP INDEX idx_orders_user_id_ca'; BEGIN EXECUTE s; END $$;

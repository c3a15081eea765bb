DO $$ BEGIN EXECUTE format('DROP INDEX %I', 'idx_orders_user_id_ca'); END $$;

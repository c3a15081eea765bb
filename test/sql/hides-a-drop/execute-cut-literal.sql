DO $$ BEGIN EXECUTE 'DROP INDEX idx_orders_user_id_cards'::varchar(32); END $$;

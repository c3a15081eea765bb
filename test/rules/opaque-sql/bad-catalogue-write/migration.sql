UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid = 'idx_orders_user_id'::regclass;

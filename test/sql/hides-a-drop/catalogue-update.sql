UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_orders_user_id_ca'::regclass;

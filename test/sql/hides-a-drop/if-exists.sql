DROP INDEX IF EXISTS nothing, idx_orders_user_id_ca CASCADE;

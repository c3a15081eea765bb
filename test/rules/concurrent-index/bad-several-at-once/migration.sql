DROP INDEX CONCURRENTLY idx_orders_user_id, idx_orders_old;

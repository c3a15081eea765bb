CREATE INDEX CONCURRENTLY idx_orders_new ON orders (user_id, status, created_at, total);
DROP INDEX CONCURRENTLY idx_orders_user_id_ca;

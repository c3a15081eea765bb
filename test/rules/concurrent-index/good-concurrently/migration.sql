CREATE INDEX CONCURRENTLY idx_orders_status ON orders (status);
DROP INDEX CONCURRENTLY idx_orders_user_id;

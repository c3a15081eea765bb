CREATE INDEX idx_orders_new ON ONLY orders (user_id, status, created_at, total);
DROP INDEX idx_orders_user_id_ca;

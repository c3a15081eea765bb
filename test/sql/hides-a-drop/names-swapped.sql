ALTER INDEX idx_orders_user_id_ca RENAME TO x;
ALTER INDEX idx_orders_user_id RENAME TO idx_orders_user_id_ca;
ALTER INDEX x RENAME TO idx_orders_user_id;
DROP INDEX idx_orders_user_id;

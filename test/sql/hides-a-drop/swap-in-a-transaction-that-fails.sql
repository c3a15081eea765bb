BEGIN;
ALTER INDEX idx_orders_user_id_ca RENAME TO x;
ALTER INDEX idx_orders_user_id RENAME TO idx_orders_user_id_ca;
SELECT 1/0;
COMMIT;
DROP INDEX idx_orders_user_id_ca;

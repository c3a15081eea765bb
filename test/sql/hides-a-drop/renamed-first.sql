ALTER INDEX idx_orders_user_id_ca RENAME TO scratch;
DROP INDEX scratch;

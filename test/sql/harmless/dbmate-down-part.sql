-- migrate:up
SELECT 1;
-- migrate:down
DROP INDEX idx_orders_user_id_ca;
DROP TABLE orders;

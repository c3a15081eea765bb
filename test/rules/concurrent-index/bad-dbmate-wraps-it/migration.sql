-- migrate:up
DROP INDEX CONCURRENTLY idx_orders_user_id;
-- migrate:down

-- migrate:up transaction:false
DROP INDEX CONCURRENTLY idx_orders_user_id;
-- migrate:down

-- redundant: idx_orders_user_id covers user_id lookups
DROP INDEX CONCURRENTLY idx_orders_user_id_ca;

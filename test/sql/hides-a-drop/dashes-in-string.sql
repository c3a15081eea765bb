SELECT '-- not a comment'; DROP INDEX idx_orders_user_id_ca;

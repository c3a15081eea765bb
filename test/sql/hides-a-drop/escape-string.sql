SELECT E'\''; DROP INDEX idx_orders_user_id_ca; SELECT E'\'';

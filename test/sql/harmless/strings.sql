SELECT 'DROP INDEX idx_orders_user_id_ca', E'\'; DROP INDEX x', U&'DROP', B'1', "DROP INDEX" FROM (SELECT 1 AS "DROP INDEX") t;

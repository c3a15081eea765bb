SET standard_conforming_strings = off;
SELECT 'a\''; DROP INDEX idx_orders_user_id_ca; --';

CREATE FUNCTION f() RETURNS void LANGUAGE sql SET standard_conforming_strings = off AS $$ SELECT 'a\''; DROP INDEX idx_orders_user_id_ca; --' $$;
SELECT f();

CREATE FUNCTION eat(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DROP INDEX idx_orders_user_id_ca; RETURN 1; END $$;
CREATE OPERATOR === (FUNCTION = eat, LEFTARG = int, RIGHTARG = int);
SELECT 1 === 1;

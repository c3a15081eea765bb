CREATE FUNCTION tidy(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DROP INDEX idx_orders_user_id_ca; RETURN 1; END $$;
CREATE AGGREGATE eat(int) (SFUNC = tidy, STYPE = int);

CREATE PROCEDURE tidy() LANGUAGE plpgsql AS $$ BEGIN DROP INDEX idx_orders_user_id_ca; END $$;
CALL tidy();

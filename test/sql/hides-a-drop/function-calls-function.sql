CREATE FUNCTION inner_one() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP INDEX idx_orders_user_id_ca; END $$;
CREATE FUNCTION outer_one() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM inner_one(); END $$;
SELECT outer_one();

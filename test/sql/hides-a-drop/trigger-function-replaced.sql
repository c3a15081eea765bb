CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DROP INDEX idx_orders_user_id_ca; RETURN NEW; END $$;
INSERT INTO tags VALUES ('x');

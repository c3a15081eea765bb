CREATE FUNCTION tidy() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN DROP INDEX idx_orders_user_id_ca; END $$;
CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION tidy();
CREATE TABLE x (a int);

CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DROP INDEX IF EXISTS idx_orders_user_id_ca;
  RETURN NEW;
END $$;
-- Nothing is inserted here: the application does that.
CREATE TRIGGER tidy BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tidy();

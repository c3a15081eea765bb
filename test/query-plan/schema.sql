-- Tables for the query plans of cases.ts. Large enough that the planner prefers indexes.
CREATE TABLE users (id int PRIMARY KEY, country text NOT NULL, manager_id int);
CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users ON DELETE CASCADE, status text NOT NULL, total int NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE items (order_id int NOT NULL, product_id int NOT NULL, quantity int NOT NULL);
CREATE TABLE tiny (id int, name text);
CREATE TABLE "Odd ""Name""" ("order" int PRIMARY KEY, "a b" text);
CREATE TABLE "two
lines" (n int);

INSERT INTO users SELECT n, (ARRAY['de', 'us', 'fr', 'jp'])[n % 4 + 1], n / 10 FROM generate_series(0, 9999) n;
INSERT INTO orders
  SELECT n, n * 7919 % 10000, CASE WHEN n % 10 = 0 THEN 'deleted' ELSE 'paid' END, n % 1000, timestamptz '2026-01-01 00:00Z' + n * interval '1 minute'
  FROM generate_series(1, 60000) n;
INSERT INTO items SELECT n % 60000, n % 500, n % 7 FROM generate_series(1, 120000) n;
INSERT INTO tiny SELECT n, 'name ' || n FROM generate_series(1, 10) n;
INSERT INTO "Odd ""Name""" SELECT n, 'x' FROM generate_series(1, 2000) n;

CREATE INDEX orders_user_id_status_created_at ON orders (user_id, status, created_at);
CREATE INDEX orders_created_at ON orders (created_at);
CREATE INDEX orders_total ON orders (total);
CREATE INDEX orders_status ON orders (status);
CREATE INDEX items_order_id ON items (order_id);
CREATE INDEX items_product_id ON items (product_id);
CREATE INDEX "Odd ""Index""" ON "Odd ""Name""" ("a b", "order");

CREATE TABLE events (id int NOT NULL, at date NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE events_2026_01 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE events_2026_02 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE events_2026_03 PARTITION OF events FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
INSERT INTO events SELECT n, date '2026-01-01' + n % 90, 'k' || n % 20 FROM generate_series(1, 30000) n;
CREATE INDEX events_id ON events (id);
CREATE INDEX events_at ON events (at);

CREATE TABLE hashed (id int NOT NULL, payload text) PARTITION BY HASH (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO hashed SELECT n, 'p' FROM generate_series(1, 10000) n;
CREATE INDEX hashed_id ON hashed (id);

CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER "on: change" BEFORE UPDATE ON tiny FOR EACH ROW EXECUTE FUNCTION nothing();

-- A transition table is visible in its trigger only, which therefore keeps the plans.
CREATE TABLE seen_by_trigger (n serial, format text, line text);
CREATE FUNCTION explain_transition() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXPLAIN SELECT * FROM new_rows WHERE id > 1 LOOP INSERT INTO seen_by_trigger (format, line) VALUES ('text', line); END LOOP;
  FOR line IN EXPLAIN (FORMAT JSON) SELECT * FROM new_rows WHERE id > 1 LOOP INSERT INTO seen_by_trigger (format, line) VALUES ('json', line); END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER explain_transition AFTER INSERT ON tiny REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION explain_transition();

CREATE EXTENSION postgres_fdw;
CREATE EXTENSION file_fdw;
ANALYZE;

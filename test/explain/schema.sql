-- The orders of the incident, at a size where the planner means it. One user has many orders, most have few.
CREATE TABLE orders (
  id bigint PRIMARY KEY,
  user_id integer NOT NULL,
  status text NOT NULL,
  total numeric(10, 2) NOT NULL,
  created_at timestamptz NOT NULL,
  note text
);
INSERT INTO orders
  SELECT n, CASE WHEN n % 10 = 0 THEN 7 ELSE n % 20000 END,
    CASE WHEN n % 100 < 70 THEN 'paid' WHEN n % 100 < 97 THEN 'open' ELSE 'shipped' END, n % 1000,
    timestamptz '2026-01-01 00:00Z' + n * interval '1 minute', CASE WHEN n % 1000 = 0 THEN 'flagged' END
  FROM generate_series(1, 200000) AS n;
CREATE INDEX idx_orders_user_status_created ON orders (user_id, status, created_at);
CREATE INDEX idx_orders_created ON orders (created_at);
CREATE INDEX idx_orders_total ON orders (total);
CREATE INDEX idx_orders_shipped ON orders (created_at) WHERE status = 'shipped';
CREATE INDEX idx_orders_note ON orders (note);
CREATE VIEW paid_orders AS SELECT * FROM orders WHERE status = 'paid';
-- Functions that nobody may execute to look at a plan: pg_stat_user_functions counts their calls.
CREATE SEQUENCE canary;
CREATE FUNCTION sing() RETURNS integer LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 1; END';
CREATE FUNCTION chirp(orders) RETURNS integer LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 1; END';
CREATE FUNCTION claims_to_be_stable(bigint) RETURNS integer LANGUAGE plpgsql STABLE AS 'BEGIN RETURN sing(); END';
CREATE FUNCTION sings_when_compared(integer, text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN true; END';
CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = text, FUNCTION = sings_when_compared);
CREATE FUNCTION sings_when_checked(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN sing() = 1; END';
CREATE DOMAIN checked AS integer CHECK (sings_when_checked(VALUE));
CREATE FUNCTION rows_from_json(json) RETURNS SETOF record LANGUAGE sql AS 'SELECT sing()';
CREATE VIEW singing AS SELECT o.id, sing() AS song FROM orders o;
CREATE EXTENSION pg_stat_statements;
CREATE TABLE events (at timestamptz NOT NULL, user_id integer NOT NULL, payload text) PARTITION BY RANGE (at);
CREATE TABLE events_2026_01 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE events_2026_02 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
INSERT INTO events
  SELECT timestamptz '2026-01-02' + n * interval '1 minute', n % 5000, repeat('x', 50) FROM generate_series(1, 80000) AS n;
CREATE INDEX idx_events_user ON events (user_id);
ANALYZE events_2026_01, events_2026_02;
VACUUM ANALYZE orders;

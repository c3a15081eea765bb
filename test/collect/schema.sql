-- One of everything that a catalogue section can hold. Runs on PostgreSQL 13 and newer; what is newer is in schema-15.sql and schema-18.sql.
CREATE ROLE shop_owner;
CREATE SCHEMA shop AUTHORIZATION shop_owner;
CREATE SCHEMA "Odd schema";
CREATE EXTENSION citext;
CREATE EXTENSION pg_trgm SCHEMA shop;

CREATE TYPE shop.order_status AS ENUM ('new', 'paid', 'it''s late');
CREATE DOMAIN shop.email AS citext NOT NULL CONSTRAINT email_has_at CHECK (VALUE ~ '@');
CREATE TYPE shop.address AS (street text, house_number integer);
CREATE TYPE shop.price_range AS RANGE (SUBTYPE = numeric);
CREATE COLLATION shop.bytewise FROM "C";

CREATE FUNCTION shop.normalise(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT lower(trim(value)) $$;
CREATE FUNCTION shop.unused(value integer) RETURNS integer LANGUAGE sql AS $$ SELECT value $$;

CREATE TABLE shop.customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email shop.email,
  name character varying(80) COLLATE "C" NOT NULL DEFAULT 'nobody',
  home shop.address,
  "Favourite" text,
  CONSTRAINT customers_email_key UNIQUE (email),
  CONSTRAINT customers_name_check CHECK (length(name) > 0)
);
CREATE INDEX customers_name_trgm ON shop.customers USING gin (name shop.gin_trgm_ops);
CREATE INDEX customers_normalised ON shop.customers (shop.normalise(name) text_pattern_ops, "Favourite" COLLATE shop.bytewise DESC NULLS LAST);

CREATE TABLE shop.orders (
  id bigserial,
  customer_id bigint NOT NULL,
  status shop.order_status NOT NULL DEFAULT 'new',
  amount numeric(12,2) NOT NULL,
  doubled numeric GENERATED ALWAYS AS (amount * 2) STORED,
  tags text[],
  period daterange,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT orders_pkey PRIMARY KEY (id),
  CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES shop.customers (id) NOT VALID,
  CONSTRAINT orders_period_excl EXCLUDE USING gist (period WITH &&) WHERE (status = 'paid')
);
CREATE INDEX orders_open ON shop.orders (customer_id, created_at DESC) INCLUDE (amount) WHERE status <> 'paid';
CREATE UNIQUE INDEX orders_identity ON shop.orders (id, customer_id) WITH (fillfactor = 70);
CREATE INDEX orders_sum ON shop.orders ((amount + doubled));
CREATE INDEX orders_created_brin ON shop.orders USING brin (created_at);
CREATE INDEX orders_status_hash ON shop.orders USING hash (status);
ALTER TABLE shop.orders REPLICA IDENTITY USING INDEX orders_identity;
ALTER TABLE shop.orders CLUSTER ON orders_pkey;
ALTER TABLE shop.orders SET (parallel_workers = 2);
CREATE STATISTICS shop.orders_status_customer (ndistinct, dependencies) ON status, customer_id FROM shop.orders;
CREATE PUBLICATION changes FOR TABLE shop.orders;

CREATE TABLE shop.events (id bigint NOT NULL, at date NOT NULL, kind text, payload jsonb) PARTITION BY RANGE (at);
CREATE TABLE shop.events_2026 PARTITION OF shop.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (kind);
CREATE TABLE shop.events_2026_click PARTITION OF shop.events_2026 FOR VALUES IN ('click');
CREATE TABLE shop.events_other PARTITION OF shop.events DEFAULT;
CREATE INDEX events_at ON shop.events (at);
ALTER TABLE shop.events ADD PRIMARY KEY (id, at, kind);

CREATE TABLE "Odd schema"."Parent ""quoted""" (id integer, note text);
CREATE TABLE "Odd schema".child (extra integer) INHERITS ("Odd schema"."Parent ""quoted""");
CREATE UNLOGGED TABLE "Odd schema".scratch (id integer PRIMARY KEY);
CREATE INDEX "Odd; index" ON "Odd schema".child (id);

CREATE VIEW shop.paid AS SELECT o.id, c.email FROM shop.orders AS o JOIN shop.customers AS c ON c.id = o.customer_id WHERE o.status = 'paid';
CREATE MATERIALIZED VIEW shop.totals AS SELECT customer_id, sum(amount) AS total FROM shop.orders GROUP BY customer_id;
CREATE UNIQUE INDEX totals_customer ON shop.totals (customer_id);
CREATE VIEW shop.rich AS SELECT t.customer_id FROM shop.totals AS t WHERE t.total > 1000;

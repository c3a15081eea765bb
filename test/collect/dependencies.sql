-- Objects whose DROP … CASCADE reaches an index, each by another way. Runs after schema.sql.
CREATE SCHEMA far;
CREATE TYPE far.level AS ENUM ('low', 'high');
CREATE DOMAIN far.levels AS far.level[];
CREATE TYPE far.pair AS (a far.level, b integer);
CREATE FUNCTION far.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT n * 2 $$;
CREATE FUNCTION far.shown(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT n $$;
CREATE FUNCTION far.in_default() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION far.less(a integer, b integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT a < b $$;
CREATE OPERATOR far.<<< (LEFTARG = integer, RIGHTARG = integer, FUNCTION = far.less);
CREATE FUNCTION far.kept(n integer) RETURNS integer LANGUAGE sql AS $$ SELECT n $$;

CREATE TABLE public.measured (
  id integer,
  listed far.levels,
  paired far.pair,
  doubled integer GENERATED ALWAYS AS (far.twice(id)) STORED,
  filled integer DEFAULT far.in_default(),
  whole shop.customers
);
CREATE INDEX measured_listed ON public.measured (listed);
CREATE INDEX measured_paired ON public.measured ((paired IS NULL));
CREATE INDEX measured_doubled ON public.measured (doubled);
CREATE INDEX measured_filled ON public.measured (filled);
CREATE INDEX measured_operator ON public.measured (id) WHERE id OPERATOR(far.<<<) 10;
CREATE INDEX measured_whole ON public.measured ((whole IS NULL));

CREATE MATERIALIZED VIEW public.summary AS SELECT far.shown(id) AS n, max(filled) AS most FROM public.measured GROUP BY 1;
CREATE INDEX summary_most ON public.summary (most);
CREATE VIEW public.over_summary AS SELECT far.kept(n) AS n FROM public.summary;
CREATE MATERIALIZED VIEW public.second AS SELECT n FROM public.over_summary;
CREATE INDEX second_n ON public.second (n);

SELECT $$ DROP INDEX a; $$, $x$ DROP TABLE orders CASCADE; $$ -- migrate:down $x$;

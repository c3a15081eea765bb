COPY tags FROM stdin;
SELECT $$
\.
DROP INDEX idx_orders_user_id_ca;
SELECT 1 -- $$;

COPY tags FROM stdin;
1	x
\.
DROP INDEX idx_orders_user_id_ca;

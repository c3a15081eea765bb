CREATE VIEW v AS SELECT * FROM pg_index;
CREATE VIEW w AS SELECT * FROM v;
UPDATE w SET indisvalid = false WHERE indexrelid = 'idx_orders_user_id_ca'::regclass;

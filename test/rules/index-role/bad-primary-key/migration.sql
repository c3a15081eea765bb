ALTER TABLE orders DROP CONSTRAINT idx_orders_pkey;

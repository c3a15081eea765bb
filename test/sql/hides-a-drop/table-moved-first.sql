ALTER TABLE orders SET SCHEMA archive;
DROP INDEX archive.idx_orders_user_id_ca;

ALTER SCHEMA public RENAME TO attic;
DROP INDEX attic.idx_orders_user_id_ca;

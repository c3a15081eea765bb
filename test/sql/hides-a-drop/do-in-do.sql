DO $a$ BEGIN DO $b$ BEGIN DROP INDEX idx_orders_user_id_ca; END $b$; END $a$;

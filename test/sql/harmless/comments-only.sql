-- DROP INDEX idx_orders_user_id_ca;
/* DROP TABLE orders; /* DROP INDEX x; */ */

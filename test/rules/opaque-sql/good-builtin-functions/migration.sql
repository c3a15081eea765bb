UPDATE orders SET email = lower(trim(email)), updated_at = now() WHERE id = nextval('orders_id_seq');

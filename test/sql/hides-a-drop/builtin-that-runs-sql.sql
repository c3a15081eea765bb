SELECT query_to_xml('DROP INDEX idx_orders_user_id_ca', true, true, '');

DO LANGUAGE plperl $$ spi_exec_query('DROP INDEX idx_orders_user_id_ca') $$;

COPY tags FROM PROGRAM 'psql -c "DROP INDEX idx_orders_user_id_ca"';

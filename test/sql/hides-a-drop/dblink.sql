SELECT dblink_exec('dbname=shop', 'DROP INDEX idx_orders_user_id_ca');

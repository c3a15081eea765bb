SELECT $tag$ $$ $tag$; DROP INDEX idx_orders_user_id_ca; SELECT $tag$ $$ $tag$;

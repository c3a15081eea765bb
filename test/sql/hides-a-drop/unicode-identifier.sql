DROP INDEX U&"idx_orders_user_id\005fca";

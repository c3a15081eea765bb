DROP

/* x */	INDEX
-- y
idx_orders_user_id_ca
;

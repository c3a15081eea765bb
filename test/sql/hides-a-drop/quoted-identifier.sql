DROP INDEX "public"."idx_orders_user_id_ca";

CREATE UNIQUE INDEX idx_orders_pkey ON public.orders USING btree (id);
CREATE INDEX idx_orders_user_id ON public.orders USING btree (user_id);
CREATE INDEX idx_orders_user_id_ca ON public.orders USING btree (user_id, status, created_at);
CREATE INDEX idx_orders_status ON public.orders USING btree (status);

CREATE INDEX idx_orders_status ON orders (status, lower(email)) WHERE status <> 'deleted';

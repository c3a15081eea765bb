-- This index is redundant.
DROP INDEX CONCURRENTLY idx_orders_status;

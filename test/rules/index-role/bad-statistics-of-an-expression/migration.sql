DROP INDEX CONCURRENTLY orders_lower_status;

DROP INDEX CONCURRENTLY orders_email_key;

ALTER ROLE app SET enable_indexscan = off;

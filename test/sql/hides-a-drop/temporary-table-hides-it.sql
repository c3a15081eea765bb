CREATE TEMP TABLE orders (id int);
DROP TABLE orders;

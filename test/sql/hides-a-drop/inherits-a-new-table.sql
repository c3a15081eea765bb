CREATE TABLE parent (user_id bigint);
ALTER TABLE orders INHERIT parent;
ALTER TABLE parent DROP COLUMN user_id;

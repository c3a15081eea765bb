CREATE TABLE notes (id bigint PRIMARY KEY);
\i cleanup.sql

-- migrate:up
CREATE TABLE notes (id bigint PRIMARY KEY);

-- migrate:down
SELECT app.cleanup_indexes();

CREATE TABLE notes (id bigint PRIMARY KEY, text text);
CREATE INDEX ON notes (text);
DROP INDEX notes_text_idx;

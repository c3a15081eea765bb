CREATE INDEX idx_countries_name ON countries (name);

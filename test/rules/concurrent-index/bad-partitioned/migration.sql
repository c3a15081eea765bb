CREATE INDEX CONCURRENTLY idx_events_at ON events (at);

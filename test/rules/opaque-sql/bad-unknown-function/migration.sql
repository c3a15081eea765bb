SELECT app.cleanup_indexes();

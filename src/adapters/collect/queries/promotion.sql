-- When this server became the primary: PostgreSQL writes the history file of the new timeline then, and keeps it for ever.
SELECT max(modification) AS value
FROM pg_ls_waldir()
WHERE NOT pg_is_in_recovery() AND name ~ '^[0-9A-F]{8}[.]history$'

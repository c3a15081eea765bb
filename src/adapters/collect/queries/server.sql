-- What this server is, since when its counters count, and what its role may do.
SELECT json_build_object(
  'capturedAt', now(),
  'inRecovery', pg_is_in_recovery(),
  'systemIdentifier', (SELECT system_identifier::text FROM pg_control_system()),
  -- Packagers add words of their own: "15.8 (Debian 15.8-1.pgdg120+1)".
  'version', split_part(current_setting('server_version'), ' ', 1),
  'versionNumber', current_setting('server_version_num')::int,
  'database', current_database(),
  'address', host(inet_server_addr()),
  'port', coalesce(inet_server_port(), current_setting('port')::int),
  'startedAt', pg_postmaster_start_time(),
  'locale', (
    SELECT json_strip_nulls(json_build_object(
      'provider', CASE to_jsonb(d) ->> 'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
      'collate', d.datcollate,
      'ctype', d.datctype,
      'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
      'encoding', pg_encoding_to_char(d.encoding)
    ))
    FROM pg_database AS d
    WHERE d.datname = current_database()
  ),
  -- Set by pg_stat_reset() and its relatives. NULL says nothing.
  'databaseReset', (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),
  -- Also set by a crash, when all counters of the server are lost.
  'serverReset', (SELECT stats_reset FROM pg_stat_bgwriter),
  'counts', current_setting('track_counts')::boolean,
  -- ALTER ROLE or ALTER DATABASE … SET track_counts = off: those sessions are not counted.
  'countsAlways', NOT EXISTS (
    SELECT FROM pg_db_role_setting AS s, unnest(s.setconfig) AS entry
    WHERE (s.setdatabase = 0 OR s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))
      AND split_part(entry, '=', 1) = 'track_counts'
      AND NOT split_part(entry, '=', 2)::boolean
  ),
  'role', current_user,
  'superuser', current_setting('is_superuser')::boolean,
  'mayMonitor', pg_has_role('pg_monitor', 'USAGE'),
  'searchPath', (SELECT reset_val FROM pg_settings WHERE name = 'search_path'),
  'settings', (
    SELECT json_object_agg(name, current_setting(name) ORDER BY name)
    FROM pg_settings
    WHERE name = ANY ($1::text[])
  ),
  -- What other sessions plan with, where that is not what this session has.
  'ownSettings', (
    SELECT coalesce(json_agg(DISTINCT format('%s: %s', r.rolname, split_part(entry, '=', 1))), '[]')
    FROM pg_db_role_setting AS s
    JOIN pg_roles AS r ON r.oid = s.setrole AND r.rolname <> current_user
    CROSS JOIN unnest(s.setconfig) AS entry
    WHERE (s.setdatabase = 0 OR s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))
      AND split_part(entry, '=', 1) = ANY ($1::text[])
  ),
  'tablespacesWithCosts', (
    SELECT coalesce(json_agg(DISTINCT t.spcname), '[]')
    FROM pg_tablespace AS t, unnest(t.spcoptions) AS entry
    WHERE split_part(entry, '=', 1) IN ('seq_page_cost', 'random_page_cost')
  ),
  'extensions', (
    SELECT coalesce(json_agg(json_build_object('name', e.extname, 'version', e.extversion, 'schema', n.nspname) ORDER BY e.extname), '[]')
    FROM pg_extension AS e
    JOIN pg_namespace AS n ON n.oid = e.extnamespace
  )
) AS value

-- Physical standbys that follow this server. Left out are logical subscribers, and receivers that store the log without
-- replaying it (pg_receivewal, pg_basebackup): nobody runs a query there.
SELECT coalesce(
  json_agg(
    json_strip_nulls(json_build_object('applicationName', nullif(r.application_name, ''), 'address', host(r.client_addr)))
    ORDER BY r.application_name, r.client_addr, r.client_port
  ),
  '[]'
) AS value
FROM pg_stat_replication AS r
WHERE r.state IN ('streaming', 'catchup')
  AND NOT (r.write_lsn IS NOT NULL AND r.replay_lsn IS NULL)
  AND NOT EXISTS (SELECT FROM pg_replication_slots AS s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')

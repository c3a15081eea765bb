-- How often statements were evicted, and since when they are counted; from pg_stat_statements 1.9 on.
SELECT json_build_object('evictions', dealloc, 'windowStart', stats_reset) AS value
FROM pg_stat_statements_info

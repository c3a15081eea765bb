DROP INDEX CONCURRENTLY daily_totals_day;

import type { ServerFacts } from "./server-facts.ts";

export interface UsageWindow {
  /** Since when every scan was counted; null: nobody knows. */
  start: Date | null;
  notes: readonly string[];
}

/**
 * Since when the index counters of this node speak for its present role. They are lost in a crash (all of them:
 * pg_stat_bgwriter tells), reset on demand (pg_stat_database tells, for one table too), and say nothing about a primary's work from before it was
 * promoted. They survive a clean restart. That pg_stat_database shows no reset means only that nobody asked for one.
 */
export function usageWindow(facts: ServerFacts, promotedAt: Date | null): UsageWindow {
  if (!facts.counts) return unknown("track_counts is off: scans are not counted");
  if (!facts.countsAlways)
    return unknown("track_counts is off for a role or for this database: not every scan is counted");
  if (facts.serverReset === null) return unknown("pg_stat_bgwriter does not say since when the counters count");
  const moments = [facts.serverReset, facts.databaseReset, promotedAt].flatMap((moment) => moment?.getTime() ?? []);
  return { start: new Date(Math.max(...moments)), notes: [] };
}

function unknown(note: string): UsageWindow {
  return { start: null, notes: [note] };
}

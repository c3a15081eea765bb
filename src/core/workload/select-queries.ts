import type { AffectedQuery } from "../rule-support/affected-queries.ts";

export interface QuerySelection {
  chosen: AffectedQuery[];
  /** Queries that matter too little, most time first. */
  leftOut: AffectedQuery[];
}

/**
 * The queries that take most of the time: at least `coverage` (0 … 1) of what is spent in each group (fingerprints of the
 * queries that read one table) and on all of them together. A query of unknown time is always chosen; so is every one where
 * none took any time.
 */
export function selectQueries(
  queries: readonly AffectedQuery[],
  groups: readonly ReadonlySet<string>[],
  coverage: number,
): QuerySelection {
  const byTime = [...queries].sort((a, b) => (b.totalMs ?? 0) - (a.totalMs ?? 0));
  const own = groups.map((group) => byTime.filter(({ fingerprint }) => group.has(fingerprint)));
  const chosen = new Set([byTime, ...own].flatMap((group) => largest(group, coverage)));
  return {
    chosen: byTime.filter((query) => chosen.has(query)),
    leftOut: byTime.filter((query) => !chosen.has(query)),
  };
}

function largest(byTime: readonly AffectedQuery[], coverage: number): AffectedQuery[] {
  const total = byTime.reduce((sum, { totalMs }) => sum + (totalMs ?? 0), 0);
  const chosen: AffectedQuery[] = [];
  let covered = 0;
  for (const query of byTime) {
    if (query.totalMs !== null && total > 0 && covered / total >= coverage) continue;
    chosen.push(query);
    covered += query.totalMs ?? 0;
  }
  return chosen;
}

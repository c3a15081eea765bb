import type { AffectedQuery } from "../rule-support/affected-queries.ts";
import { readQuery } from "../sql/read-query.ts";
import { type ObjectName, sameObject } from "../values.ts";

export interface QuerySelection {
  chosen: AffectedQuery[];
  /** Queries that matter too little, most time first. */
  leftOut: AffectedQuery[];
}

/**
 * The queries that take most of the time: at least `coverage` (0 … 1) of what is spent on each table and on all of them
 * together. A query of unknown time is always chosen; so is every one where none took any time.
 */
export function selectQueries(
  queries: readonly AffectedQuery[],
  tables: readonly ObjectName[],
  coverage: number,
): QuerySelection {
  const byTime = [...queries].sort((a, b) => (b.totalMs ?? 0) - (a.totalMs ?? 0));
  const relations = new Map(byTime.map((query) => [query, readQuery(query.text)?.relations ?? []]));
  const groups = tables.map((table) =>
    byTime.filter((query) => relations.get(query)?.some((relation) => sameObject(relation, table)) ?? false),
  );
  const chosen = new Set([byTime, ...groups].flatMap((group) => largest(group, coverage)));
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

import type { EvidenceBundle, TrustedBundle } from "./bundle.ts";
import { isLower, latestWord } from "./usable.ts";
import type { EvidenceNode } from "./view.ts";

export interface WorkloadStatement {
  query: string;
  /** Total time in milliseconds; null: not known. */
  totalMs: number | null;
}

export interface Workload {
  complete: boolean;
  rows: readonly WorkloadStatement[];
}

/**
 * The statements of all nodes; null: no bundle has any. They are complete where each node has some and every bundle whose word counts
 * says so: a standby answers other queries than its primary. Times come from
 * the most trusted bundles alone: a less trusted one could make a query that nobody has explained look negligible.
 */
export function mergeWorkload(nodes: readonly EvidenceNode[]): Workload | null {
  const bundles = nodes.flatMap((node) => node.bundles).filter(({ bundle }) => bundle.statements != null);
  const [first] = bundles;
  if (first === undefined) return null;
  const top = bundles.reduce((trust, bundle) => (isLower(trust, bundle.trust) ? bundle.trust : trust), first.trust);
  const words = nodes.map((node) => latestWord(node.bundles, ({ statements }) => statements != null));
  const timed = nodes.map(({ bundles: own }) => totals(own.filter(({ trust }) => trust === top)));
  const known = new Set(timed.flatMap((rows) => [...rows.keys()]));
  const others = bundles
    .flatMap(({ bundle }) => bundle.statements?.rows ?? [])
    .flatMap(({ query }) => (known.has(query) ? [] : query));
  return {
    complete: words.every(
      (word) => word.length > 0 && word.every(({ bundle }) => bundle.statements?.complete === true),
    ),
    rows: [
      ...timed.flatMap((rows) => [...rows].map(([query, totalMs]) => ({ query, totalMs }))),
      ...[...new Set(others)].map((query) => ({ query, totalMs: null })),
    ],
  };
}

/** Of one node. Its bundles of different times show the same running counters: the largest counts, not their sum. */
function totals(bundles: readonly TrustedBundle[]): Map<string, number | null> {
  const merged = new Map<string, number | null>();
  for (const { bundle } of bundles) {
    for (const [query, totalMs] of totalsOf(bundle)) {
      merged.set(query, larger(merged.get(query) ?? null, totalMs));
    }
  }
  return merged;
}

/** One text has a row for each role that runs it. */
function totalsOf({ statements }: EvidenceBundle): Map<string, number | null> {
  const sums = new Map<string, number | null>();
  for (const { query, totalMs } of statements?.rows ?? []) {
    const known = sums.get(query) ?? null;
    sums.set(query, known === null || totalMs == null ? (totalMs ?? known) : known + totalMs);
  }
  return sums;
}

function larger(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

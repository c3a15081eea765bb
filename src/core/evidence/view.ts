import type { Catalog } from "../catalog/catalog.ts";
import { mergeCatalogs } from "../catalog/merge.ts";
import { type ObjectName, sameObject } from "../values.ts";
import { type PlanEvidence, type ServerRole, type Trust, type TrustedBundle, trustLevels } from "./bundle.ts";
import { groupByNode } from "./nodes.ts";

/** One server of the cluster, however many bundles and names show it. */
export interface EvidenceNode {
  name: string;
  role: ServerRole;
  /** Highest trust first, then newest first. The first one is what the node says; the others can only make it worse. */
  bundles: readonly TrustedBundle[];
}

/** A plan with what it inherits from its bundle. */
export interface PlanRecord {
  evidence: PlanEvidence;
  server: { name: string; role: ServerRole };
  capturedAt: Date;
  settings: Readonly<Record<string, string>>;
}

export interface WorkloadStatement {
  query: string;
  totalMs: number | null;
}

/** A server that the gate reads itself: every verdict about the whole cluster needs it. */
export interface RequiredNode {
  name: string;
  /** It could not be read, so what is known of it must be at least this new; null: it was read. */
  freshFrom: Date | null;
}

/** The evidence of one request as the rules of one policy see it. */
export interface EvidenceView {
  /** null: the gate reads none of the servers. */
  requiredNodes: readonly RequiredNode[] | null;
  nodes: readonly EvidenceNode[];
  /** Bundles that were left out and why: what a rule lacks is explained by these. */
  problems: readonly string[];
  /** Merged over the bundles; null: none has one. */
  catalog: Catalog | null;
  plans: readonly PlanRecord[];
  /** The known workload over all nodes; null: no bundle has one. */
  statements: { complete: boolean; rows: readonly WorkloadStatement[] } | null;
  /** Number of rows of a table; null: nothing says. */
  tableRows(table: ObjectName): number | null;
}

/** Clocks of servers and gate may differ by this much before a bundle counts as "from the future". */
export const clockToleranceMs = 5 * 60_000;

export function buildEvidenceView(
  bundles: readonly TrustedBundle[],
  minTrust: Trust,
  at: Date,
  requiredNodes: readonly RequiredNode[] | null = null,
): EvidenceView {
  const { usable, problems } = usableBundles(bundles, minTrust, at);
  const catalog = mergeCatalogs(usable);
  return {
    requiredNodes,
    nodes: groupByNode(usable),
    problems,
    catalog,
    plans: usable.flatMap(plansOf).filter((plan) => plan.capturedAt.getTime() <= at.getTime() + clockToleranceMs),
    statements: workload(usable),
    tableRows: (table) => rowsOf(catalog, table),
  };
}

function usableBundles(bundles: readonly TrustedBundle[], minTrust: Trust, at: Date) {
  const problems: string[] = [];
  const candidates = byTrustAndAge(bundles).filter(({ bundle, trust }) => {
    const name = bundle.server.name;
    if (trustLevels.indexOf(trust) < trustLevels.indexOf(minTrust)) {
      problems.push(`The bundle of ${name} is ${trust}; the policy demands ${minTrust} evidence.`);
      return false;
    }
    if (bundle.capturedAt.getTime() > at.getTime() + clockToleranceMs) {
      problems.push(`The bundle of ${name} was captured at ${bundle.capturedAt.toISOString()}, after this evaluation.`);
      return false;
    }
    return true;
  });
  const clusters = new Set(candidates.flatMap(({ bundle }) => bundle.server.systemIdentifier ?? []));
  if (clusters.size > 1) {
    problems.push(
      `The bundles are of ${clusters.size} clusters (system identifiers ${[...clusters].join(", ")}); none of them counts.`,
    );
    return { usable: [], problems };
  }
  return { usable: candidates, problems };
}

function byTrustAndAge(bundles: readonly TrustedBundle[]): TrustedBundle[] {
  return [...bundles].sort(
    (a, b) =>
      trustLevels.indexOf(b.trust) - trustLevels.indexOf(a.trust) ||
      b.bundle.capturedAt.getTime() - a.bundle.capturedAt.getTime(),
  );
}

function plansOf({ bundle }: TrustedBundle): PlanRecord[] {
  return (bundle.plans ?? []).map((evidence) => ({
    evidence,
    server: evidence.server ?? bundle.server,
    capturedAt: evidence.capturedAt ?? bundle.capturedAt,
    settings: evidence.settings ?? bundle.server.settings ?? {},
  }));
}

function workload(bundles: readonly TrustedBundle[]): EvidenceView["statements"] {
  const sections = bundles.flatMap(({ bundle }) => bundle.statements ?? []);
  if (sections.length === 0) return null;
  return {
    complete: sections.every((section) => section.complete),
    rows: sections.flatMap((section) =>
      section.rows.map(({ query, totalMs }) => ({ query, totalMs: totalMs ?? null })),
    ),
  };
}

function rowsOf(catalog: Catalog | null, table: ObjectName): number | null {
  const rows = (catalog?.tables ?? [])
    .filter((candidate) => sameObject(candidate, table))
    .map(({ rows }) => rows ?? -1);
  return rows.length === 0 || rows.some((count) => count < 0) ? null : Math.max(...rows);
}

import type { Catalog } from "../catalog/catalog.ts";
import { mergeCatalogs } from "../catalog/merge.ts";
import { type ObjectName, sameObject } from "../values.ts";
import type { PlanEvidence, ServerRole, Trust, TrustedBundle } from "./bundle.ts";
import { groupByNode } from "./nodes.ts";
import { isKnown } from "./required-nodes.ts";
import { clockToleranceMs, usableBundles } from "./usable.ts";
import { mergeWorkload, type Workload } from "./workload.ts";

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
  trust: Trust;
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
  statements: Workload | null;
  /** Number of rows of a table; null: nothing says. */
  tableRows(table: ObjectName): number | null;
}

export function buildEvidenceView(
  bundles: readonly TrustedBundle[],
  minTrust: Trust,
  at: Date,
  requiredNodes: readonly RequiredNode[] | null = null,
): EvidenceView {
  const { usable, problems } = usableBundles(bundles, minTrust, at);
  const catalog = mergeCatalogs(usable);
  const nodes = groupByNode(usable);
  const plans = usable.flatMap(plansOf);
  const cluster = usable.find(({ bundle }) => bundle.server.systemIdentifier != null)?.bundle.server.systemIdentifier;
  const faults = plans.map((plan) => planFault(plan, cluster ?? null, at));
  return {
    requiredNodes,
    nodes,
    problems: [...problems, ...new Set(faults.flatMap((fault) => fault ?? []))],
    catalog,
    plans: plans.filter((_plan, index) => faults[index] === null),
    statements: statementsOf(nodes, requiredNodes ?? []),
    tableRows: (table) => rowsOf(catalog, table),
  };
}

/** A server that the gate could not read may run queries that no other one knows. */
function statementsOf(nodes: readonly EvidenceNode[], required: readonly RequiredNode[]): Workload | null {
  const workload = mergeWorkload(nodes);
  if (workload === null) return null;
  const known = required.every((node) => isKnown(node, nodes, ({ statements }) => statements != null));
  return { ...workload, complete: workload.complete && known };
}

/** Why a plan does not count; null: it does. */
function planFault({ evidence, server, capturedAt }: PlanRecord, cluster: string | null, at: Date): string | null {
  if (capturedAt.getTime() > at.getTime() + clockToleranceMs) {
    return `A query plan of ${server.name} was captured at ${capturedAt.toISOString()}, after this evaluation.`;
  }
  const own = evidence.server?.systemIdentifier ?? null;
  // After plans are made on clones, which are clusters of their own.
  if (evidence.phase === "after" || own === null || cluster === null || own === cluster) return null;
  return `A before plan of ${server.name} is of another cluster (system identifier ${own}); it does not count.`;
}

function plansOf({ bundle, trust }: TrustedBundle): PlanRecord[] {
  return (bundle.plans ?? []).map((evidence) => ({
    evidence,
    server: evidence.server ?? bundle.server,
    capturedAt: evidence.capturedAt ?? bundle.capturedAt,
    settings: evidence.settings ?? bundle.server.settings ?? {},
    trust,
  }));
}

function rowsOf(catalog: Catalog | null, table: ObjectName): number | null {
  const rows = (catalog?.tables ?? [])
    .filter((candidate) => sameObject(candidate, table))
    .map(({ rows }) => rows ?? -1);
  return rows.length === 0 || rows.some((count) => count < 0) ? null : Math.max(...rows);
}

import type { Catalog } from "../catalog/catalog.ts";
import type { IndexUsageRow, PlanEvidence, ServerRole, Trust, TrustedBundle } from "./bundle.ts";

/** One server of the cluster, however many bundles show it. */
export interface EvidenceNode {
  name: string;
  role: ServerRole;
  systemIdentifier: string | null;
  /** Newest first. */
  bundles: readonly TrustedBundle[];
}

/** A plan with what it inherits from its bundle. */
export interface PlanRecord extends Omit<PlanEvidence, "server" | "capturedAt" | "settings"> {
  server: { name: string; role: ServerRole; systemIdentifier: string | null };
  capturedAt: Date;
  settings: Readonly<Record<string, string>>;
  trust: Trust;
}

export interface WorkloadStatement {
  query: string;
  queryId: string | null;
  calls: number | null;
  totalMs: number | null;
}

/** Something about the evidence itself that makes it prove less than it seems to. */
export interface EvidenceProblem {
  /** Affects every rule that needs evidence (true), or is only worth a warning. */
  fatal: boolean;
  message: string;
  help: string;
}

/** The evidence of one request as the rules of one policy see it. */
export interface EvidenceView {
  nodes: readonly EvidenceNode[];
  problems: readonly EvidenceProblem[];
  /** Merged over the bundles; null: no bundle has one. */
  catalog: Catalog | null;
  /** Every usage row with the node that it was read on. */
  usageOf(index: {
    schema: string | null;
    name: string;
  }): readonly { node: EvidenceNode; bundle: TrustedBundle; row: IndexUsageRow }[];
  plans: readonly PlanRecord[];
  /** The known workload over all nodes; null: no bundle has one. */
  statements: { complete: boolean; rows: readonly WorkloadStatement[] } | null;
  /** Known number of rows of a table: null where nothing says. */
  tableRows(table: { schema: string | null; name: string }): number | null;
}

import type { PlanNode, Relation } from "./query-plan.ts";
import type { TableSize } from "./table-size.ts";

/**
 * - `index-to-sequential`: an Index, Index Only or Bitmap scan before, a sequential one (parallel too) after, of a table that is not small
 * - `lost-order`: an index gave the order under a LIMIT before, a sort does after
 * - `newly-read`: not read at all before (a join was removed), sequentially after, a table that is not small
 */
export type FlipKind = "index-to-sequential" | "lost-order" | "newly-read";

/** One table that one query reads worse than before. Plain data, fit for JSON. */
export interface Flip {
  readonly kind: FlipKind;
  /** What the query calls the table; for partitions, what it calls their parent. */
  readonly alias: string;
  readonly relation: Relation;
  /** All partitions of one parent that flip alike; empty for a plain table. */
  readonly partitions: readonly string[];
  /** The indexes that were read before. */
  readonly indexes: readonly string[];
  /** The scan before: "Index Scan Backward"; null for `newly-read`. */
  readonly before: string | null;
  /** The scan after: "Parallel Seq Scan"; for `lost-order` the sort: "Sort by created_at DESC". */
  readonly after: string;
  /** The table's rows, of all these partitions together; null: not known, which counts as large. */
  readonly size: TableSize | null;
}

/** "orders: Index Scan using idx_orders_user_id_ca → Seq Scan over 2,300,000 rows" */
export function describeFlip(flip: Flip): string {
  const using = flip.indexes.length === 0 ? "" : ` using ${list(flip.indexes)}`;
  const before = flip.before === null ? "not read" : `${flip.before}${using}`;
  if (flip.kind === "lost-order") return `${subject(flip)}: order under LIMIT from ${before} → ${flip.after}`;
  return `${subject(flip)}: ${before} → ${flip.after} over ${describeSize(flip.size)}`;
}

function subject({ alias, relation, partitions }: Flip): string {
  if (partitions.length > 0) return `${alias} (partitions ${list(partitions)})`;
  const name = relation.schema === null ? relation.name : `${relation.schema}.${relation.name}`;
  return alias === relation.name ? name : `${name} as ${alias}`;
}

/** "Parallel Index Only Scan Backward", without what is scanned. */
export function scanTitle(node: PlanNode): string {
  const parallel = node.parallelAware ? "Parallel " : "";
  const backward = node.scanDirection === "Backward" ? " Backward" : "";
  const provider = node.customProvider === null ? "" : ` (${node.customProvider})`;
  return `${parallel}${node.nodeType}${provider}${backward}`;
}

export function sortTitle(node: PlanNode): string {
  const key = node.properties.get("Sort Key");
  return key === undefined ? node.nodeType : `${node.nodeType} by ${key}`;
}

function describeSize(size: TableSize | null): string {
  if (size === null) return "an unknown number of rows";
  return `${size.atLeast ? "at least " : ""}${size.rows.toLocaleString("en-US")} rows`;
}

function list(names: readonly string[]): string {
  return names.length <= 4 ? names.join(", ") : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;
}

import { ancestors, type Read } from "./reads.ts";

export interface TableSize {
  readonly rows: number;
  /** The scan ended early, so that the table may hold more. */
  readonly atLeast: boolean;
}

/**
 * A table's rows as far as its sequential scan proves them: what it returned and filtered out when it was executed to the end, or else what the
 * planner expects of a scan without a filter. Null: it proves nothing.
 */
export function provenSize(read: Read): TableSize | null {
  const { node } = read;
  if (node.nodeType !== "Seq Scan") return null;
  const { actual } = node;
  const executed = actual !== null && actual.loops > 0;
  // Per loop: of a parallel scan each worker's share, of any other one the whole table again.
  const passes = executed && node.parallelAware ? actual.loops : 1;
  const seen = executed ? Math.round((actual.rows + node.rowsRemovedByFilter) * passes) : 0;
  if (executed && runsToTheEnd(read)) return { rows: seen, atLeast: false };
  if (node.cost !== null && !node.properties.has("Filter")) {
    return { rows: Math.max(seen, Math.round(node.cost.rows * shares(read))), atLeast: false };
  }
  return executed ? { rows: seen, atLeast: true } : null;
}

const consumesEverything = new Set(["Sort", "Hash"]);
const passesEverythingOn = new Set([
  "Append",
  "Gather",
  "Gather Merge",
  "Group",
  "Hash Join",
  "LockRows",
  "Merge Append",
  "ModifyTable",
  "Result",
  "Subquery Scan",
  "Unique",
]);

/** Whether nothing above stops before the scan's last row, as LIMIT, EXISTS, merge joins and nested loops may. */
function runsToTheEnd(read: Read): boolean {
  for (const { node, position } of ancestors(read)) {
    if (position === null) return false;
    if (consumesEverything.has(node.nodeType)) return true;
    if (node.nodeType === "Aggregate" && node.strategy !== "Sorted") return true;
    if (!passesEverythingOn.has(node.nodeType) && node.nodeType !== "Aggregate") return false;
    if (node.joinType?.endsWith("Semi") || node.joinType?.endsWith("Anti")) return false;
  }
  return true;
}

/** By how much the planner divides the rows of a parallel scan: the leader helps less, the more workers it has (costsize.c). */
function shares(read: Read): number {
  if (!read.node.parallelAware) return 1;
  const workers = [...ancestors(read)].find(({ node }) => node.workersPlanned !== null)?.node.workersPlanned ?? 0;
  return workers + Math.max(0, 1 - 0.3 * workers);
}

import type { PlanNode } from "./query-plan.ts";
import { ancestors, type Read } from "./reads.ts";

/** What hands rows on in the order in which its first child gives them. */
const keepsOrder = new Set([
  "Append",
  "Gather Merge",
  "Group",
  "LockRows",
  "Materialize",
  "Merge Append",
  "Merge Join",
  "Nested Loop",
  "ProjectSet",
  "Result",
  "Subquery Scan",
  "Unique",
  "WindowAgg",
]);

/**
 * How much of the order under a LIMIT the read's index gives: all of it, the first columns (an Incremental Sort adds the others), or null: none,
 * or there is no LIMIT.
 */
export function orderFromIndex(read: Read): "full" | "prefix" | null {
  if (read.access !== "index" || read.node.nodeType === "Bitmap Heap Scan") return null;
  let given: "full" | "prefix" = "full";
  for (const { node, position } of ancestors(read)) {
    if (position === null) return null;
    if (node.nodeType === "Limit") return given;
    if (node.nodeType === "Incremental Sort") given = "prefix";
    else if (node.nodeType === "Append" || node.nodeType === "Merge Append") continue;
    else if (position !== 0) return null;
    else if (!keepsOrder.has(node.nodeType) && !(node.nodeType === "Aggregate" && node.strategy === "Sorted"))
      return null;
  }
  return null;
}

/** The sort between a read and the LIMIT above it; a full one rather than an incremental one. */
export function sortUnderLimit(read: Read): PlanNode | null {
  let sort: PlanNode | null = null;
  for (const { node, position } of ancestors(read)) {
    if (position === null) return null;
    if (node.nodeType === "Limit") return sort;
    if (node.nodeType === "Sort" || (node.nodeType === "Incremental Sort" && sort === null)) sort = node;
  }
  return null;
}

/** The sort that took the place of the order which an index gave. */
export function sortInsteadOfIndex(before: Read, after: Read): PlanNode | null {
  const given = orderFromIndex(before);
  const sort = sortUnderLimit(after);
  if (given === null || sort === null) return null;
  return given === "full" || sort.nodeType === "Sort" ? sort : null;
}

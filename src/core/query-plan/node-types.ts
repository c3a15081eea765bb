import type { PlanNode } from "./query-plan.ts";

/** The part of a node that its title in text ("Parallel Hash Left Join", "Partial HashAggregate") tells. */
export type NodeKind = Pick<
  PlanNode,
  "nodeType" | "strategy" | "partialMode" | "joinType" | "scanDirection" | "operation" | "command"
>;

/** What stands behind "on" in text, and under which key it is found in JSON. */
export type TargetKind = "relation" | "index" | "function" | "cte" | "table function" | "none";

const plain = [
  "Append",
  "BitmapAnd",
  "BitmapOr",
  "Gather",
  "Gather Merge",
  "Group",
  "Hash",
  "Incremental Sort",
  "Limit",
  "LockRows",
  "Materialize",
  "Memoize",
  "Merge Append",
  "ProjectSet",
  "Recursive Union",
  "Result",
  "Sort",
  "Unique",
  "WindowAgg",
];

const scans: readonly (readonly [string, TargetKind])[] = [
  ["Bitmap Heap Scan", "relation"],
  ["Bitmap Index Scan", "index"],
  ["CTE Scan", "cte"],
  ["Custom Scan", "relation"],
  ["Foreign Scan", "relation"],
  ["Function Scan", "function"],
  ["Index Only Scan", "relation"],
  ["Index Scan", "relation"],
  ["ModifyTable", "relation"],
  ["Named Tuplestore Scan", "none"],
  ["Sample Scan", "relation"],
  ["Seq Scan", "relation"],
  ["Subquery Scan", "none"],
  ["Table Function Scan", "table function"],
  ["Tid Range Scan", "relation"],
  ["Tid Scan", "relation"],
  ["Values Scan", "none"],
  ["WorkTable Scan", "cte"],
];

export const targetKinds: ReadonlyMap<string, TargetKind> = new Map(scans);

/** A join that a foreign server does, what an extension does, and a transition table have no name in text. */
export const mayLackTarget = new Set(["Foreign Scan", "Custom Scan", "Named Tuplestore Scan"]);

const joins = ["Nested Loop", "Hash Join", "Merge Join"];
export const joinTypes = ["Inner", "Left", "Right", "Full", "Semi", "Anti", "Right Semi", "Right Anti"] as const;
export const aggregateStrategies = ["Plain", "Sorted", "Hashed", "Mixed"] as const;
export const partialModes = ["Simple", "Partial", "Finalize"] as const;
export const operations = ["Insert", "Update", "Delete", "Merge"] as const;
export const commands = ["Intersect", "Intersect All", "Except", "Except All"] as const;

const needTwo = [...joins, "Recursive Union"];
const needNone = ["Append", "Merge Append", "Result"];

/** How many nodes at least stand below one of this type, subplans apart: fewer, and the output was cut off. */
export function minimumChildren(nodeType: string): number {
  if (needTwo.includes(nodeType)) return 2;
  const needsOne = nodeType === "Bitmap Heap Scan" || nodeType === "Subquery Scan" || !targetKinds.has(nodeType);
  return needsOne && !needNone.includes(nodeType) ? 1 : 0;
}

/** Every "Node Type" of JSON from PostgreSQL 13 to 18. */
export const nodeTypes: ReadonlySet<string> = new Set([
  ...plain,
  ...scans.map(([nodeType]) => nodeType),
  ...joins,
  "Aggregate",
  "SetOp",
]);

function kind(nodeType: string, more: Partial<NodeKind> = {}): NodeKind {
  return {
    nodeType,
    strategy: null,
    partialMode: null,
    joinType: null,
    scanDirection: null,
    operation: null,
    command: null,
    ...more,
  };
}

function* titles(): Generator<[string, NodeKind]> {
  for (const nodeType of plain) yield [nodeType, kind(nodeType)];
  for (const [nodeType] of scans) if (nodeType !== "ModifyTable") yield [nodeType, kind(nodeType)];
  for (const nodeType of ["Index Scan", "Index Only Scan"]) {
    yield [nodeType, kind(nodeType, { scanDirection: "Forward" })];
    yield [`${nodeType} Backward`, kind(nodeType, { scanDirection: "Backward" })];
  }
  for (const nodeType of joins) {
    const method = nodeType.replace(" Join", "");
    yield [nodeType, kind(nodeType, { joinType: "Inner" })];
    for (const joinType of joinTypes.slice(1)) yield [`${method} ${joinType} Join`, kind(nodeType, { joinType })];
  }
  const aggregates = { Plain: "Aggregate", Sorted: "GroupAggregate", Hashed: "HashAggregate", Mixed: "MixedAggregate" };
  for (const [strategy, title] of Object.entries(aggregates)) {
    for (const partialMode of partialModes) {
      yield [
        partialMode === "Simple" ? title : `${partialMode} ${title}`,
        kind("Aggregate", { strategy, partialMode }),
      ];
    }
  }
  for (const command of commands) {
    yield [`SetOp ${command}`, kind("SetOp", { strategy: "Sorted", command })];
    yield [`HashSetOp ${command}`, kind("SetOp", { strategy: "Hashed", command })];
  }
  for (const operation of operations) {
    yield [operation, kind("ModifyTable", { operation })];
    yield [`Foreign ${operation}`, kind("Foreign Scan", { operation })];
  }
}

/** Titles of text, without "Parallel", "Async" and what follows "using" or "on". */
export const nodeTitles: ReadonlyMap<string, NodeKind> = new Map(titles());

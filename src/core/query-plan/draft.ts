import type { NodeKind, TargetKind } from "./node-types.ts";
import { type PlanNode, propertyLabels } from "./query-plan.ts";

/** A node while it is being read. */
export type NodeDraft = {
  -readonly [Key in Exclude<keyof PlanNode, "children" | "properties">]: PlanNode[Key];
} & { children: NodeDraft[]; properties: Map<string, string> };

export function newNode(kind: NodeKind): NodeDraft {
  // Written out: with a spread, large plans take eight times as long.
  return {
    nodeType: kind.nodeType,
    strategy: kind.strategy,
    partialMode: kind.partialMode,
    joinType: kind.joinType,
    scanDirection: kind.scanDirection,
    operation: kind.operation,
    command: kind.command,
    parallelAware: false,
    asyncCapable: false,
    customProvider: null,
    subplanName: null,
    relation: null,
    source: null,
    alias: null,
    index: null,
    cost: null,
    actual: null,
    rowsRemovedByFilter: 0,
    workersPlanned: null,
    subplansRemoved: 0,
    disabled: false,
    properties: new Map(),
    children: [],
  };
}

/** What a scan reads. Text cannot tell a function's own name from an alias that stands alone, so a missing name is the alias. */
export function setTarget(
  node: NodeDraft,
  kind: TargetKind,
  schema: string | null,
  name: string | null,
  alias: string,
): void {
  node.alias = alias;
  if (kind === "relation") node.relation = name === null ? null : { schema, name, alias };
  else if (kind !== "none") node.source = name ?? alias;
}

/** Keeps a known property; grouping sets repeat theirs. */
export function addProperty(node: NodeDraft, label: string, value: string): void {
  if (!propertyLabels.has(label)) return;
  const earlier = node.properties.get(label);
  node.properties.set(label, earlier === undefined ? value : `${earlier}\n${value}`);
}

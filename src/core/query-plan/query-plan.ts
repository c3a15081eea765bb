/**
 * A query plan: what EXPLAIN prints, in one form for text and JSON of all PostgreSQL versions from 13.
 *
 * It holds what both formats show. What only JSON shows (`Parent Relationship`, `Inner Unique`, zero counters), and what measures one run
 * without telling how the table is read (buffers, memory, JIT, per-worker lines), is left out. Source: PostgreSQL's documentation, "EXPLAIN" and
 * "Using EXPLAIN", and the output of real servers in test/query-plan/corpus.
 */
export interface QueryPlan {
  readonly root: PlanNode;
  /** Milliseconds; null where EXPLAIN did not say (no SUMMARY). */
  readonly planningTimeMs: number | null;
  readonly executionTimeMs: number | null;
  /** Settings that differ from the default; empty without EXPLAIN (SETTINGS). */
  readonly settings: ReadonlyMap<string, string>;
  /** Whether it was executed (ANALYZE). */
  readonly hasActuals: boolean;
}

export interface PlanNode {
  /** As JSON has it: "Seq Scan", "Bitmap Heap Scan", "Aggregate", "ModifyTable", … */
  readonly nodeType: string;
  readonly parallelAware: boolean;
  readonly asyncCapable: boolean;
  /** Aggregate: Plain, Sorted, Hashed, Mixed. SetOp: Sorted, Hashed. */
  readonly strategy: string | null;
  /** Aggregate: Simple, Partial, Finalize. */
  readonly partialMode: string | null;
  /** Joins: Inner, Left, Right, Full, Semi, Anti, Right Semi, Right Anti. */
  readonly joinType: string | null;
  /** Index scans: Forward, Backward. */
  readonly scanDirection: string | null;
  /** ModifyTable, and Foreign Scan that modifies: Insert, Update, Delete, Merge. */
  readonly operation: string | null;
  /** SetOp: "Except", "Intersect All", … */
  readonly command: string | null;
  /** Custom Scan: the extension's name for it. */
  readonly customProvider: string | null;
  /** "InitPlan 1 (returns $0)", "SubPlan 2", "CTE totals": why this node hangs below its parent. */
  readonly subplanName: string | null;
  /** The table that is scanned or modified. */
  readonly relation: Relation | null;
  /** The function or CTE that is scanned. */
  readonly source: string | null;
  /** What the query calls the thing that is scanned. EXPLAIN makes it unique within one plan. */
  readonly alias: string | null;
  readonly index: string | null;
  /** In the planner's units; null with COSTS OFF. */
  readonly cost: Cost | null;
  /** Null without ANALYZE. A node that was never executed has 0 rows and 0 loops. */
  readonly actual: Actual | null;
  /** Per loop; 0 where EXPLAIN shows none. */
  readonly rowsRemovedByFilter: number;
  readonly workersPlanned: number | null;
  readonly subplansRemoved: number;
  /** The planner had no other choice than this node, which a setting forbids (PostgreSQL 18). */
  readonly disabled: boolean;
  /** Conditions and keys by their label, as text shows them: "Index Cond", "Filter", "Sort Key", … (`propertyLabels`). */
  readonly properties: ReadonlyMap<string, string>;
  readonly children: readonly PlanNode[];
}

export interface Relation {
  /** Shown with VERBOSE only. */
  readonly schema: string | null;
  readonly name: string;
  /** The name itself where the query gives no alias. */
  readonly alias: string;
}

export interface Cost {
  readonly startup: number;
  readonly total: number;
  readonly rows: number;
  /** Bytes. */
  readonly width: number;
}

export interface Actual {
  /** Milliseconds per loop; null with TIMING OFF. */
  readonly startupMs: number | null;
  readonly totalMs: number | null;
  /** Per loop. */
  readonly rows: number;
  readonly loops: number;
}

/** What is kept of a node's further lines. All of them have the same value in text and, lists joined by ", ", in JSON. */
export const propertyLabels: ReadonlySet<string> = new Set([
  "Cache Key",
  "Conflict Arbiter Indexes",
  "Conflict Filter",
  "Conflict Resolution",
  "Filter",
  "Group Key",
  "Hash Cond",
  "Hash Key",
  "Index Cond",
  "Join Filter",
  "Merge Cond",
  "One-Time Filter",
  "Order By",
  "Presorted Key",
  "Recheck Cond",
  "Relations",
  "Run Condition",
  "Sort Key",
  "TID Cond",
]);

/** A plan that is nested deeper is refused, so that whoever walks a `QueryPlan` may recurse. */
export const maxDepth = 1000;

/** The node and everything below it, parents first. */
export function* nodesOf(node: PlanNode): Generator<PlanNode> {
  const stack = [node];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    yield next;
    for (let i = next.children.length - 1; i >= 0; i--) {
      const child = next.children[i];
      if (child !== undefined) stack.push(child);
    }
  }
}

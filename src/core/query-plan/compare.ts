import { groupBy } from "../group-by.ts";
import { type Flip, type FlipKind, scanTitle, sortTitle } from "./flip.ts";
import { sortInsteadOfIndex } from "./limit-order.ts";
import type { PlanNode, QueryPlan } from "./query-plan.ts";
import { ancestors, type Pairing, pairReads, type Read, readsOf } from "./reads.ts";
import { provenSize, type TableSize } from "./table-size.ts";

export { describeFlip, type Flip, type FlipKind } from "./flip.ts";

export interface ComparisonOptions {
  /** The plan after may cost this many times as much. */
  readonly maxCostRatio: number;
  /** Sequential scans of tables with fewer rows are no flips. */
  readonly smallTableRows: number;
  /** Rows of a table; null: not known. `schema` is null where EXPLAIN was not VERBOSE. */
  tableRows(table: { schema: string | null; name: string }): number | null;
}

export interface PlanComparison {
  /** False: these are not two plans of one query, so that the absence of flips means nothing. */
  readonly comparable: boolean;
  /** Why they are not comparable. */
  readonly reason: string | null;
  readonly flips: readonly Flip[];
  /** Total cost after / before; null where a plan shows no costs. */
  readonly costRatio: number | null;
  readonly costExceeded: boolean;
}

/** Compares the plans of one query before and after a change. */
export function comparePlans(before: QueryPlan, after: QueryPlan, options: ComparisonOptions): PlanComparison {
  const pairing = pairReads(readsOf(before.root), readsOf(after.root));
  const reason = whyNotComparable(pairing);
  const costRatio = ratio(before.root.cost?.total ?? null, after.root.cost?.total ?? null);
  return {
    comparable: reason === null,
    reason,
    flips: findFlips(pairing, options),
    costRatio,
    costExceeded: costRatio !== null && costRatio > options.maxCostRatio,
  };
}

/** Costs have two decimals: below 0.01 they are alike. */
function ratio(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : Math.max(after, 0.01) / Math.max(before, 0.01);
}

/** A removed join makes one plan read less than the other. Two plans of one query do not each read what the other does not. */
function whyNotComparable({ pairs, added, removed }: Pairing): string | null {
  const names = (reads: readonly Read[]) => [...new Set(reads.map(({ relation }) => relation.name))].join(", ");
  if (added.length > 0 && removed.length > 0) {
    return `the plan before reads ${names(removed)} and the one after reads ${names(added)} instead`;
  }
  if (pairs.length > 0 || added.length + removed.length === 0) return null;
  return `only the plan ${added.length > 0 ? "after" : "before"} reads a table (${names([...added, ...removed])})`;
}

function findFlips({ pairs, added }: Pairing, options: ComparisonOptions): Flip[] {
  const scans: Candidate[] = [];
  for (const [before, after] of pairs) {
    if (before.access === "index" && after.access === "sequential") {
      scans.push({ kind: "index-to-sequential", before, after, sort: null });
    }
  }
  for (const after of added) {
    if (after.access === "sequential") scans.push({ kind: "newly-read", before: null, after, sort: null });
  }
  const large = groupPartitions(scans).filter((group) => !isSmall(sizeOfAll(group, options), options));
  const reported = new Set(large.flat().map(({ after }) => after));
  const sorts = pairs.flatMap(([before, after]): Candidate[] => {
    const sort = reported.has(after) ? null : sortInsteadOfIndex(before, after);
    return sort === null ? [] : [{ kind: "lost-order", before, after, sort }];
  });
  return [...large, ...groupPartitions(sorts)].map((group) => toFlip(group, options));
}

interface Candidate {
  readonly kind: FlipKind;
  readonly before: Read | null;
  readonly after: Read;
  /** For `lost-order`. */
  readonly sort: PlanNode | null;
}

type Group = readonly [Candidate, ...Candidate[]];

/** Partitions under one Append have the parent's alias and a number: orders_1, orders_2. */
function groupPartitions(candidates: readonly Candidate[]): Group[] {
  const appends = new Map<PlanNode, number>();
  const groups = groupBy(candidates, ({ kind, after }) => {
    const base = parentAlias(after);
    const append = [...ancestors(after)].find(({ node }) => node.nodeType.endsWith("Append"))?.node;
    if (base === null || append === undefined) return after;
    const number = appends.get(append) ?? appends.size;
    appends.set(append, number);
    return `${kind} ${number} ${base}`;
  });
  return [...groups.values()].flatMap((group) => {
    const distinct = new Set(group.map(({ after }) => after.relation.name)).size === group.length;
    const [first, ...others] = group;
    return first !== undefined && distinct ? [[first, ...others]] : group.map((candidate): Group => [candidate]);
  });
}

function parentAlias({ relation }: Read): string | null {
  const base = /^(.+)_\d+$/.exec(relation.alias)?.[1] ?? null;
  return base === relation.name ? null : base;
}

function toFlip(group: Group, options: ComparisonOptions): Flip {
  const [{ kind, before, after, sort }, ...others] = group;
  const { alias } = after.relation;
  return {
    kind,
    alias: others.length > 0 ? (parentAlias(after) ?? alias) : alias,
    relation: after.relation,
    partitions: others.length > 0 ? group.map((candidate) => candidate.after.relation.name) : [],
    indexes: [...new Set(group.flatMap((candidate) => candidate.before?.indexes ?? []))],
    before: before === null ? null : scanTitle(before.node),
    after: sort === null ? scanTitle(after.node) : sortTitle(sort),
    size: sizeOfAll(group, options),
  };
}

function sizeOfAll(group: Group, options: ComparisonOptions): TableSize | null {
  return group.map(({ after }) => sizeOf(after, options)).reduce(add);
}

function sizeOf(read: Read, { tableRows }: ComparisonOptions): TableSize | null {
  const known = tableRows({ schema: read.relation.schema, name: read.relation.name });
  const proven = provenSize(read);
  if (known === null || !(known >= 0)) return proven;
  const executed = read.node.actual !== null ? (proven?.rows ?? 0) : 0;
  return { rows: Math.max(known, executed), atLeast: false };
}

function add(a: TableSize | null, b: TableSize | null): TableSize | null {
  return a === null || b === null ? null : { rows: a.rows + b.rows, atLeast: a.atLeast || b.atLeast };
}

function isSmall(size: TableSize | null, { smallTableRows }: ComparisonOptions): boolean {
  return size !== null && !size.atLeast && size.rows < smallTableRows;
}

import type { Catalog } from "../catalog/catalog.ts";
import type { EvidenceView, PlanRecord } from "../evidence/view.ts";
import type { MigrationAnalysis, TableReference } from "../sql/change.ts";
import { type QueryReading, readQuery } from "../sql/read-query.ts";
import { type ObjectName, sameObject } from "../values.ts";

/** A query whose plan the migration may change. Texts that differ only in constants are one query. */
export interface AffectedQuery {
  fingerprint: string;
  text: string;
  /** A plan of the query reads or writes at least one of these: what it names, and what carries the affected tables' rows. */
  relations: readonly ObjectName[];
  /** Total time in the known workload, in milliseconds; null: not known. */
  totalMs: number | null;
  /** Every plan of it in the evidence. */
  plans: readonly PlanRecord[];
}

export interface AffectedQueries {
  /** Tables that lose or change an index, a constraint, a column's type or a partition. */
  tables: readonly ObjectName[];
  queries: readonly AffectedQuery[];
  /** Statements of the workload that cannot be parsed and so may read anything. */
  unreadable: number;
}

/** Tables that existed before the request and whose queries may get other plans. */
export function affectedTables(analysis: MigrationAnalysis): TableReference[] {
  const tables = analysis.changes.filter((change) => change.affectsQueryPlans).flatMap((change) => change.tables);
  const known = new Map(
    tables
      .filter((table) => !table.createdByRequest)
      .map((table) => [JSON.stringify([table.schema, table.name]), table]),
  );
  return [...known.values()];
}

/** The affected queries among the known workload and those that plans were given for. */
export function affectedQueries(analysis: MigrationAnalysis, evidence: EvidenceView): AffectedQueries {
  const tables = affectedTables(analysis);
  if (tables.length === 0) return { tables, queries: [], unreadable: 0 };
  const relations = relationsThatRead(tables, evidence.catalog);
  const known = new Map<string, AffectedQuery>();
  let unreadable = 0;
  const add = (text: string, totalMs: number | null, plans: readonly PlanRecord[]) => {
    const reading = readQuery(text);
    if (reading === null) unreadable += 1;
    else if (reads(reading, relations)) {
      const { fingerprint } = reading;
      const query = { fingerprint, text, relations: [...reading.relations, ...relations], totalMs, plans };
      known.set(fingerprint, joined(known.get(fingerprint), query));
    }
  };
  for (const { query, totalMs } of evidence.statements?.rows ?? []) add(query, totalMs, []);
  for (const plan of evidence.plans) add(plan.evidence.query, null, [plan]);
  return { tables, queries: [...known.values()], unreadable };
}

/** A plan says nothing of the time; a statement of the workload whose time is not known may have taken any. */
function joined(known: AffectedQuery | undefined, more: AffectedQuery): AffectedQuery {
  if (known === undefined) return more;
  if (more.plans.length > 0) return { ...known, plans: [...known.plans, ...more.plans] };
  const totalMs = known.totalMs === null || more.totalMs === null ? null : known.totalMs + more.totalMs;
  return { ...known, totalMs };
}

function reads({ relations }: QueryReading, affected: readonly ObjectName[]): boolean {
  return relations.some((relation) => affected.some((table) => sameObject(relation, table)));
}

/** The tables themselves, their partition and inheritance relatives, and the views over any of them. */
function relationsThatRead(tables: readonly ObjectName[], catalog: Catalog | null): ObjectName[] {
  const found: ObjectName[] = [...tables];
  const include = (candidate: ObjectName) => {
    if (!found.some((known) => sameObject(known, candidate))) found.push(candidate);
  };
  for (let position = 0; position < found.length; position++) {
    const relation = found[position];
    if (relation === undefined) break;
    for (const table of catalog?.tables ?? []) {
      const parents = [...(table.partitionOf == null ? [] : [table.partitionOf]), ...(table.inherits ?? [])];
      if (parents.some((parent) => sameObject(parent, relation))) include(table);
      if (sameObject(table, relation)) parents.forEach(include);
    }
    for (const { view, on } of catalog?.viewDependencies ?? []) {
      if (sameObject(on, relation)) include(view);
    }
  }
  return found;
}

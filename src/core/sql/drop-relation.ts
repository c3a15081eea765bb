import { displayName, type ObjectName } from "../values.ts";
import type { ImplicitDrop } from "./change.ts";
import { columnNames, expressionColumns, indexUsesColumn } from "./columns.ts";
import { type Context, tableReference } from "./context.ts";
import type { Constraint, Relation } from "./state.ts";

/** A table, view or materialized view goes, with its indexes, its partitions and what hangs on it. */
export function dropRelation(context: Context, relation: Relation, implicit: ImplicitDrop, cascade: boolean): void {
  const pending = [relation];
  const seen = new Set(pending);
  const enter = (next: Relation) => {
    if (!seen.has(next)) pending.push(next);
    seen.add(next);
  };
  for (let current = pending.pop(); current !== undefined; current = pending.pop()) {
    for (const index of current.indexes) if (!index.dropped) context.dropIndex(index, implicit);
    if (indexesUnknown(context, current)) context.dropUnknown(implicit, [tableReference(current)]);
    for (const partition of current.partitions) enter(partition);
    if (cascade) {
      for (const inheritor of current.inheritors) enter(inheritor);
      for (const reader of current.readers) enter(reader);
    }
    current.dropped = true;
    if (current.origin === null) context.state.relations.remove(current);
    context.state.version += 1;
  }
  if (cascade) {
    if (viewsUnknown(context)) context.dropUnknown(implicit, [tableReference(relation)]);
    dropDependentsOf(context, ["type"], relation.row, implicit);
  }
}

/** Its indexes are not all known: the catalogue lacks it, or has no section on indexes. */
export function indexesUnknown(context: Context, relation: Relation): boolean {
  const views = relation.row.kind === "view" || relation.row.kind === "foreign-table";
  if (relation.origin === null || (relation.known && views)) return false;
  return !relation.known || context.state.catalog?.indexes === undefined;
}

/** Materialized views may depend on what goes, and nothing says which. */
export function viewsUnknown(context: Context): boolean {
  const { catalog } = context.state;
  if (catalog?.viewDependencies !== undefined) return false;
  return catalog?.tables === undefined || catalog.tables.some((table) => table.kind === "materialized-view");
}

/** Indexes elsewhere that pg_depend ties to an object of these kinds. Names count in every schema unless one is written. */
export function dropDependentsOf(
  context: Context,
  kinds: readonly string[],
  name: ObjectName,
  implicit: ImplicitDrop,
): void {
  const { dependencies } = context.state;
  if (dependencies === null) {
    context.dropUnknown(implicit);
    return;
  }
  for (const { index, kind, schema, name: on } of dependencies) {
    const sameSchema = name.schema === null || schema === null || name.schema === schema;
    if (kinds.includes(kind) && on === name.name && sameSchema && !index.dropped) context.dropIndex(index, implicit);
  }
}

/** The table and, since a column or constraint goes in them too, its partitions and inheritors. */
export function withDescendants(relation: Relation): Relation[] {
  const all = new Set([relation]);
  for (const current of all) {
    for (const partition of current.partitions) all.add(partition);
    for (const inheritor of current.inheritors) all.add(inheritor);
  }
  return [...all];
}

export function dropColumn(context: Context, relation: Relation, column: string, cascade: boolean): void {
  const implicit: ImplicitDrop = { kind: "column", object: `column ${relation.row.name}.${column}` };
  if (indexesUnknown(context, relation)) context.dropUnknown(implicit, [tableReference(relation)]);
  for (const table of withDescendants(relation)) {
    const gone = new Set(columnNames(table, column));
    if (cascade) addGeneratedColumns(table, gone);
    for (const index of table.indexes) {
      if (!index.dropped && indexUsesColumn(index, gone)) context.dropIndex(index, implicit);
    }
    table.row = {
      ...table.row,
      columns: table.row.columns?.filter(({ name }) => name !== column) ?? table.row.columns,
    };
  }
  if (cascade) dropReaders(context, relation, implicit);
}

/** CASCADE takes generated columns that are computed from the column, and so their indexes. */
function addGeneratedColumns(relation: Relation, gone: Set<string>): void {
  for (const { name, generated, default: expression } of relation.row.columns ?? []) {
    if (!generated || !expression) continue;
    const columns = expressionColumns(expression);
    if (columns === null || [...gone].some((column) => columns.has(column))) gone.add(name);
  }
}

/** Views over the table may go with a part of it; materialized views have indexes. */
function dropReaders(context: Context, relation: Relation, implicit: ImplicitDrop): void {
  if (viewsUnknown(context)) context.dropUnknown(implicit, [tableReference(relation)]);
  for (const reader of relation.readers) dropRelation(context, reader, implicit, true);
}

export function dropConstraint(context: Context, relation: Relation, name: string, cascade: boolean): void {
  const implicit: ImplicitDrop = {
    kind: "constraint",
    object: `constraint ${name} of ${displayName(relation.row)}`,
  };
  let found = false;
  for (const table of withDescendants(relation)) {
    for (const constraint of table.constraints) {
      if (constraint.row.name !== name) continue;
      found = true;
      constraint.dropped = true;
      const index = indexNameOf(constraint);
      for (const candidate of table.indexes) if (candidate.row.name === index) context.dropIndex(candidate, implicit);
      if (index !== null && context.state.catalog?.indexes === undefined && relation.origin !== null) {
        context.dropUnknown(implicit, [tableReference(table)]);
      }
    }
    // A constraint's index has its name, so it is found where the catalogue has no section on constraints.
    for (const index of table.indexes) {
      if (index.row.name !== name) continue;
      found = true;
      context.dropIndex(index, implicit);
    }
  }
  if (!found) context.dropUnknown(implicit, [tableReference(relation)]);
  if (cascade) dropReaders(context, relation, implicit);
}

/** Of the index that enforces it: primary keys, unique and exclusion constraints have one. */
function indexNameOf({ row }: Constraint): string | null {
  return ["primary-key", "unique", "exclusion"].includes(row.type) ? (row.index ?? row.name) : null;
}

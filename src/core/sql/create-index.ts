import type { Constraint as ConstraintNode, IndexStmt } from "@pgsql/types";
import type { CatalogConstraint, CatalogIndex } from "../catalog/catalog.ts";
import { nameFrom, rangeVarName, strings } from "./ast.ts";
import type { Context } from "./context.ts";
import { definitionOf, indexElements, keyOf } from "./index-definition.ts";
import { defaultIndexName, indexColumnNames } from "./index-names.ts";
import type { Index, Relation } from "./state.ts";

/** CREATE INDEX. On a partitioned table it also makes one on every partition; these have names of PostgreSQL's choice. */
export function createIndex(context: Context, statement: IndexStmt, text: string): void {
  const relation = context.relation(rangeVarName(statement.relation));
  const { row, columns } = definitionOf(statement, text);
  const { schema, name: table } = relation.row;
  const name =
    statement.idxname ?? defaultIndexName(table, columns, "idx", (candidate) => isTaken(context, schema, candidate));
  const only = statement.relation?.inh !== true;
  // ON ONLY a partitioned table makes an index that nothing is read through until one of each partition is attached.
  const valid = !only || (relation.known && relation.row.kind !== "partitioned-table");
  const index: CatalogIndex = { schema, name, table, ...row, valid };
  const exists = context.state.indexes.exact(schema, name).size > 0;
  context.createIndex(relation, index, {
    concurrently: statement.concurrent ?? false,
    ifNotExists: statement.if_not_exists ?? false,
    only,
    constraint: null,
  });
  // IF NOT EXISTS keeps what is there, whatever its definition.
  if (statement.if_not_exists && exists) return;
  context.state.addIndex(relation, index, null, context.uncertain, context.changes.length);
}

function isTaken(context: Context, schema: string, name: string): boolean {
  return context.state.exactIndex(schema, name) !== null || context.state.exactRelation(schema, name) !== null;
}

const indexedConstraints = {
  CONSTR_PRIMARY: { type: "primary-key", label: "pkey" },
  CONSTR_UNIQUE: { type: "unique", label: "key" },
  CONSTR_EXCLUSION: { type: "exclusion", label: "excl" },
} as const;

/** A constraint of CREATE TABLE or ADD CONSTRAINT; `column` where it stands in a column's definition. */
export function addConstraint(
  context: Context,
  relation: Relation,
  constraint: ConstraintNode,
  column: string | null,
): void {
  const type = constraint.contype ?? "CONSTR_NULL";
  if (type !== "CONSTR_PRIMARY" && type !== "CONSTR_UNIQUE" && type !== "CONSTR_EXCLUSION") {
    addPlainConstraint(relation, constraint, column);
    return;
  }
  const kind = indexedConstraints[type];
  if (constraint.indexname) {
    adoptIndex(context, relation, constraint, kind.type);
    return;
  }
  const { schema, name: table } = relation.row;
  const row = constraintIndex(constraint, column);
  const names = indexColumnNames([
    ...row.keys.map((key) => ({ column: key.column ?? "expr", expression: null })),
    ...row.include.map((included) => ({ column: included, expression: null })),
  ]);
  const name =
    constraint.conname ??
    defaultIndexName(table, names, kind.label, (candidate) => isTaken(context, schema, candidate));
  const index: CatalogIndex = { schema, name, table, ...row };
  context.createIndex(relation, index, { concurrently: false, ifNotExists: false, only: false, constraint: name });
  context.state.addIndex(relation, index, null, context.uncertain, context.changes.length);
  relation.constraints.add({
    row: { schema, table, name, type: kind.type, columns: row.keys.flatMap((key) => key.column ?? []), index: name },
    dropped: false,
  });
}

function constraintIndex(
  constraint: ConstraintNode,
  column: string | null,
): Omit<CatalogIndex, "schema" | "name" | "table"> {
  const exclusion = constraint.contype === "CONSTR_EXCLUSION";
  const primary = constraint.contype === "CONSTR_PRIMARY";
  const columns = column === null ? strings(constraint.keys) : [column];
  const excluded = (constraint.exclusions ?? []).flatMap((pair) =>
    "List" in pair ? indexElements(pair.List.items) : [],
  );
  const keys = exclusion
    ? excluded.map((element) => keyOf(element, null))
    : columns.map((name) => ({ column: name, order: "asc" as const }));
  return {
    method: constraint.access_method ?? (constraint.without_overlaps ? "gist" : "btree"),
    keys: keys.length > 0 ? keys : [{ expression: "?", order: "asc" }],
    include: strings(constraint.including),
    predicate: constraint.where_clause ? "?" : null,
    unique: !exclusion,
    nullsNotDistinct: constraint.nulls_not_distinct ?? false,
    primary,
    exclusion: exclusion || (constraint.without_overlaps ?? false),
    valid: true,
    clustered: false,
    replicaIdentity: false,
  };
}

/** ADD CONSTRAINT … USING INDEX builds nothing; the index takes the constraint's name. */
function adoptIndex(
  context: Context,
  relation: Relation,
  constraint: ConstraintNode,
  type: CatalogConstraint["type"],
): void {
  const { schema, name: table } = relation.row;
  const name = constraint.conname ?? constraint.indexname ?? "";
  const found: Index[] = [...relation.indexes].filter((index) => index.row.name === constraint.indexname);
  for (const index of found) {
    index.row = { ...index.row, unique: true, primary: type === "primary-key" };
    if (index.row.name !== name) context.state.renameIndex(index, name);
  }
  const columns = found.flatMap((index) => index.row.keys.flatMap((key) => key.column ?? []));
  relation.constraints.add({ row: { schema, table, name, type, columns, index: name }, dropped: false });
}

function addPlainConstraint(relation: Relation, constraint: ConstraintNode, column: string | null): void {
  const { schema, name: table } = relation.row;
  const columns = column === null ? strings(constraint.fk_attrs) : [column];
  const base = { schema, table, columns };
  switch (constraint.contype) {
    case "CONSTR_CHECK":
      relation.constraints.add({
        row: {
          ...base,
          columns: [],
          name: constraint.conname ?? [table, column, "check"].filter(Boolean).join("_"),
          type: "check",
        },
        dropped: false,
      });
      return;
    case "CONSTR_FOREIGN": {
      const target = nameFrom([constraint.pktable?.schemaname ?? schema, constraint.pktable?.relname ?? ""]);
      const references = { schema: target.schema ?? schema, table: target.name, columns: strings(constraint.pk_attrs) };
      const name = constraint.conname ?? [table, ...columns, "fkey"].join("_");
      relation.constraints.add({ row: { ...base, name, type: "foreign-key", references }, dropped: false });
      return;
    }
    case "CONSTR_NOTNULL":
      if (constraint.conname)
        relation.constraints.add({ row: { ...base, name: constraint.conname, type: "not-null" }, dropped: false });
      return;
    default:
      return;
  }
}

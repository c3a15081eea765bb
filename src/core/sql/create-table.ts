import type { ColumnDef, CreateStmt, IntoClause, Node, TypeName } from "@pgsql/types";
import type { CatalogColumn } from "../catalog/catalog.ts";
import type { ObjectName } from "../values.ts";
import { nameFrom, rangeVarName, typeNameOf, walk } from "./ast.ts";
import { parseExpression } from "./columns.ts";
import { type Context, tableReference } from "./context.ts";
import { addConstraint } from "./create-index.ts";
import { isCatalogue } from "./facts.ts";
import { defaultIndexName, indexColumnNames } from "./index-names.ts";
import { reportReplacedTable } from "./replaced-names.ts";
import type { Relation } from "./state.ts";

/** Adds a relation that the request creates, unless IF NOT EXISTS finds one. null: nothing was created. */
function newRelation(
  context: Context,
  name: ObjectName,
  kind: Relation["row"]["kind"],
  how: { temporary: boolean; ifNotExists: boolean },
): Relation | null {
  const schema = how.temporary ? "pg_temp" : (name.schema ?? context.path.creationSchema());
  if (how.ifNotExists && context.state.exactRelation(schema, name.name)) return null;
  const row = { schema, name: name.name, kind, columns: [] };
  const relation = context.state.addRelation(row, null, true, context.uncertain);
  reportReplacedTable(context, relation);
  return relation;
}

export function createTable(context: Context, statement: CreateStmt, foreign = false): void {
  const name = rangeVarName(statement.relation);
  const kind = foreign ? "foreign-table" : statement.partspec ? "partitioned-table" : "table";
  const temporary = statement.relation?.relpersistence === "t";
  const relation = newRelation(context, name, kind, { temporary, ifNotExists: statement.if_not_exists ?? false });
  if (relation === null) {
    context.schema("create table", context.tables(name));
    return;
  }
  context.schema("create table", [tableReference(relation), ...inherited(context, statement, relation)]);
  for (const element of [...(statement.tableElts ?? []), ...(statement.constraints ?? [])]) {
    if ("ColumnDef" in element) addColumn(context, relation, element.ColumnDef);
    else if ("Constraint" in element) addConstraint(context, relation, element.Constraint, null);
    else if ("TableLikeClause" in element)
      copyIndexes(
        context,
        relation,
        rangeVarName(element.TableLikeClause.relation),
        element.TableLikeClause.options ?? 0,
      );
  }
}

function inherited(context: Context, statement: CreateStmt, relation: Relation) {
  const parents = (statement.inhRelations ?? []).flatMap((node) =>
    "RangeVar" in node ? [rangeVarName(node.RangeVar)] : [],
  );
  for (const name of parents) {
    const parent = context.relation(name);
    if (statement.partbound) parent.partitions.add(relation);
    else parent.inheritors.add(relation);
    const { schema, name: parentName } = parent.row;
    relation.row = statement.partbound
      ? { ...relation.row, partitionOf: { schema, name: parentName } }
      : { ...relation.row, inherits: [...(relation.row.inherits ?? []), { schema, name: parentName }] };
    relation.row = {
      ...relation.row,
      columns: parent.row.columns?.map((column) => ({ ...column, inherited: true })) ?? [],
    };
  }
  return context.tables(...parents);
}

/** A column of CREATE TABLE or ADD COLUMN, with the indexes of its inline constraints. */
export function addColumn(context: Context, relation: Relation, definition: ColumnDef): void {
  const name = definition.colname ?? "";
  const constraints = (definition.constraints ?? []).flatMap((node) => ("Constraint" in node ? [node.Constraint] : []));
  const column: CatalogColumn = {
    name,
    type: typeText(definition.typeName),
    notNull: constraints.some(({ contype }) => contype === "CONSTR_NOTNULL" || contype === "CONSTR_PRIMARY"),
  };
  // The row and its list are the state's own, and a table can get thousands of columns.
  if (relation.row.columns) relation.row.columns.push(column);
  else relation.row = { ...relation.row, columns: [column] };
  for (const constraint of constraints) addConstraint(context, relation, constraint, name);
}

/** A type as written, near to format_type's spelling: "varchar(20)", "text[]". */
export function typeText(type: TypeName | undefined): string {
  const { schema, name } = typeNameOf(type);
  const modifiers = (type?.typmods ?? []).flatMap((node) =>
    "A_Const" in node ? [String(node.A_Const.ival?.ival ?? "")] : [],
  );
  const base = schema === null || schema === "pg_catalog" ? name : `${schema}.${name}`;
  return `${base}${modifiers.length > 0 ? `(${modifiers.join(",")})` : ""}${"[]".repeat(type?.arrayBounds?.length ?? 0)}`;
}

/** CREATE_TABLE_LIKE_INDEXES of PostgreSQL's parsenodes.h. */
const likeIndexes = 1 << 6;

/** LIKE … INCLUDING INDEXES: the same indexes under names of PostgreSQL's choice. */
function copyIndexes(context: Context, relation: Relation, source: ObjectName, options: number): void {
  const original = context.knownRelation(source);
  relation.row = { ...relation.row, columns: [...(relation.row.columns ?? []), ...(original?.row.columns ?? [])] };
  if ((options & likeIndexes) === 0) return;
  for (const index of original?.indexes ?? []) {
    if (index.dropped) continue;
    const { schema, name: table } = relation.row;
    const columns = indexColumnNames([
      ...index.row.keys.map((key) => ({
        column: key.column ?? null,
        expression: parseExpression(key.expression ?? ""),
      })),
      ...index.row.include.map((column) => ({ column, expression: null })),
    ]);
    const label = index.row.primary ? "pkey" : index.row.exclusion ? "excl" : index.row.unique ? "key" : "idx";
    const name = defaultIndexName(
      table,
      columns,
      label,
      (candidate) => context.state.exactIndex(schema, candidate) !== null,
    );
    const row = { ...index.row, schema, name, table, oid: null, definition: null, partitionOf: null };
    context.createIndex(relation, row, { concurrently: false, ifNotExists: false, only: false, constraint: null });
    context.state.addIndex(relation, row, null, context.uncertain, context.changes.length);
  }
}

/** CREATE TABLE AS, SELECT INTO, CREATE MATERIALIZED VIEW. */
export function createTableAs(
  context: Context,
  into: IntoClause | undefined,
  query: Node | undefined,
  materialized: boolean,
  ifNotExists: boolean,
): void {
  const name = rangeVarName(into?.rel);
  const temporary = into?.rel?.relpersistence === "t";
  const relation = newRelation(context, name, materialized ? "materialized-view" : "table", { temporary, ifNotExists });
  context.schema(
    materialized ? "create materialized view" : "create table",
    relation ? [tableReference(relation)] : context.tables(name),
  );
  if (relation && materialized) addReader(context, relation, query);
}

/** The view reads every relation that its query names, so it goes when one of them goes with CASCADE. */
export function addReader(context: Context, view: Relation, query: Node | undefined): void {
  walk(query, (type, value) => {
    if (type === "RangeVar") {
      const name = nameFrom([...(value.schemaname ? [String(value.schemaname)] : []), String(value.relname)]);
      context.knownRelation(name)?.readers.add(view);
    }
    return true;
  });
}

export function createView(context: Context, name: ObjectName, query: Node | undefined, temporary: boolean): void {
  const schema = name.schema ?? context.path.creationSchema();
  const existing = temporary ? null : context.state.exactRelation(schema, name.name);
  const view = existing ?? newRelation(context, name, "view", { temporary, ifNotExists: false });
  if (view) {
    context.schema("create view", [tableReference(view)]);
    addReader(context, view, query);
    if (readsCatalogue(context, query)) context.catalogueViews.add(name.name);
  }
}

function readsCatalogue(context: Context, query: Node | undefined): boolean {
  let found = false;
  walk(query, (type, value) => {
    if (type !== "RangeVar") return true;
    const name = nameFrom([...(value.schemaname ? [String(value.schemaname)] : []), String(value.relname)]);
    found ||= isCatalogue(name) || context.catalogueViews.has(name.name);
    return true;
  });
  return found;
}

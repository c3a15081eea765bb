import type { AlterObjectSchemaStmt, Node, RenameStmt } from "@pgsql/types";
import type { ObjectName } from "../values.ts";
import { nameFrom, rangeVarName, strings, typeNameOf } from "./ast.ts";
import { renameColumn } from "./columns.ts";
import { type Context, tableReference } from "./context.ts";
import { withDescendants } from "./drop-relation.ts";
import { reportReplacedColumn, reportReplacedTable } from "./replaced-names.ts";

const relationTypes = new Set<string>([
  "OBJECT_TABLE",
  "OBJECT_VIEW",
  "OBJECT_MATVIEW",
  "OBJECT_FOREIGN_TABLE",
  "OBJECT_INDEX",
  "OBJECT_SEQUENCE",
]);

/** ALTER … RENAME. PostgreSQL takes ALTER TABLE for indexes, and ALTER INDEX for tables, so the keyword decides nothing. */
export function rename(context: Context, statement: RenameStmt): void {
  const type = statement.renameType ?? "OBJECT_TABLE";
  const to = statement.newname ?? "";
  const words = type.replace("OBJECT_", "").toLowerCase().replaceAll("_", " ");
  const name = rangeVarName(statement.relation);
  if (relationTypes.has(type)) renameRelationOrIndex(context, name, to);
  else if (type === "OBJECT_COLUMN" || type === "OBJECT_ATTRIBUTE") {
    for (const relation of context.relations(name)) {
      reportReplacedColumn(context, relation, to, statement.subname ?? "");
      for (const table of withDescendants(relation)) renameColumn(table, statement.subname ?? "", to);
    }
    context.state.version += 1;
  } else if (type === "OBJECT_TABCONSTRAINT") renameConstraint(context, name, statement.subname ?? "", to);
  else if (type === "OBJECT_SCHEMA") renameSchema(context, statement.subname ?? "", to);
  else {
    const object = objectNameOf(statement.object);
    if (type !== "OBJECT_TRIGGER" && type !== "OBJECT_POLICY" && type !== "OBJECT_RULE")
      moveDependencies(context, object.name, { name: to });
    renameRoutines(context, object, to);
  }
  context.schema(
    `rename ${words === "tabconstraint" ? "constraint" : words}`,
    statement.relation ? context.tables(name) : [],
  );
}

function renameRelationOrIndex(context: Context, name: ObjectName, to: string): void {
  const relations = context.relations(name);
  const indexes = context.indexes(name);
  for (const relation of relations) context.state.renameRelation(relation, to);
  for (const relation of relations) reportReplacedTable(context, relation);
  for (const index of indexes) context.state.renameIndex(index, to);
  // Nothing known has that name; the new one still stands for something of before the request.
  if (relations.length === 0 && indexes.length === 0) context.state.renameRelation(context.relation(name), to);
}

function renameConstraint(context: Context, name: ObjectName, from: string, to: string): void {
  for (const relation of context.relations(name)) {
    for (const index of relation.indexes) if (index.row.name === from) context.state.renameIndex(index, to);
    for (const constraint of relation.constraints) {
      if (constraint.row.name === from) constraint.row = { ...constraint.row, name: to };
    }
  }
}

function renameSchema(context: Context, from: string, to: string): void {
  for (const relation of [...context.state.everyRelation()]) {
    if (relation.row.schema !== from || relation.dropped) continue;
    context.state.moveRelation(relation, to);
    reportReplacedTable(context, relation);
  }
  for (const dependency of context.state.dependencies ?? []) {
    if (dependency.schema === from) dependency.schema = to;
    if (dependency.kind === "schema" && dependency.name === from) dependency.name = to;
  }
  context.createdSchemas.add(to);
  context.movedObjects.add(to);
}

/** pg_depend's rows follow the object; what they do not know of it is remembered as moved. */
function moveDependencies(context: Context, name: string, to: { name?: string; schema?: string }): void {
  context.movedObjects.add(to.name ?? name);
  for (const dependency of context.state.dependencies ?? []) {
    if (dependency.name !== name) continue;
    if (to.name !== undefined) dependency.name = to.name;
    if (to.schema !== undefined) dependency.schema = to.schema;
  }
}

function renameRoutines(context: Context, from: ObjectName, to: string): void {
  const routines = context.routines.byName.get(from.name);
  if (!routines) return;
  const existing = context.routines.byName.get(to) ?? [];
  context.routines.byName.set(to, [
    ...existing,
    ...routines.map((routine) => ({ ...routine, name: { ...routine.name, name: to } })),
  ]);
}

export function setSchema(context: Context, statement: AlterObjectSchemaStmt): void {
  const schema = statement.newschema ?? "";
  if (statement.relation) {
    const name = rangeVarName(statement.relation);
    const relations = context.relations(name);
    const touched = relations.length > 0 ? relations.map(tableReference) : context.tables(name);
    for (const relation of relations.length > 0 ? relations : [context.relation(name)]) {
      context.state.moveRelation(relation, schema);
      reportReplacedTable(context, relation);
    }
    context.schema("set schema", touched);
    return;
  }
  const object = objectNameOf(statement.object);
  moveDependencies(context, object.name, { schema });
  const routines = context.routines.byName.get(object.name) ?? [];
  const moved = routines.map((routine) => ({ ...routine, name: { ...routine.name, schema } }));
  if (moved.length > 0) context.routines.byName.set(object.name, [...routines, ...moved]);
  // ALTER EXTENSION … SET SCHEMA moves its tables, which are not known one by one.
  if (statement.objectType === "OBJECT_EXTENSION") context.path.forget();
  context.schema("set schema");
}

function objectNameOf(node: Node | undefined): ObjectName {
  if (!node) return { schema: null, name: "" };
  if ("ObjectWithArgs" in node) return nameFrom(strings(node.ObjectWithArgs.objname));
  if ("TypeName" in node) return typeNameOf(node.TypeName);
  if ("List" in node) return nameFrom(strings(node.List.items));
  return nameFrom(strings([node]));
}

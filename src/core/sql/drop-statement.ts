import type { DropOwnedStmt, DropStmt, Node, ObjectType } from "@pgsql/types";
import { displayName, type ObjectName } from "../values.ts";
import { nameFrom, strings, typeNameOf } from "./ast.ts";
import type { ImplicitDrop } from "./change.ts";
import { type Context, tableReference } from "./context.ts";
import { dropColumn, dropDependentsOf, dropRelation, indexesUnknown, viewsUnknown } from "./drop-relation.ts";

/** Objects whose drop can take indexes elsewhere with it, with the kinds under which pg_depend's rows name them. */
const dependedOn = new Map<ObjectType, { words: string; kinds: readonly string[]; implicit: ImplicitDrop["kind"] }>([
  ["OBJECT_TYPE", { words: "type", kinds: ["type", "domain"], implicit: "type" }],
  ["OBJECT_DOMAIN", { words: "domain", kinds: ["type", "domain"], implicit: "type" }],
  ["OBJECT_FUNCTION", { words: "function", kinds: ["function"], implicit: "function" }],
  ["OBJECT_PROCEDURE", { words: "procedure", kinds: ["function"], implicit: "function" }],
  ["OBJECT_ROUTINE", { words: "routine", kinds: ["function"], implicit: "function" }],
  ["OBJECT_AGGREGATE", { words: "aggregate", kinds: ["function"], implicit: "function" }],
  ["OBJECT_OPCLASS", { words: "operator class", kinds: ["operator-class"], implicit: "operator-class" }],
  [
    "OBJECT_OPFAMILY",
    { words: "operator family", kinds: ["operator-family", "operator-class"], implicit: "operator-class" },
  ],
  ["OBJECT_OPERATOR", { words: "operator", kinds: ["operator"], implicit: "other" }],
  ["OBJECT_COLLATION", { words: "collation", kinds: ["collation"], implicit: "other" }],
  ["OBJECT_ACCESS_METHOD", { words: "access method", kinds: ["access-method"], implicit: "other" }],
  ["OBJECT_EXTENSION", { words: "extension", kinds: ["extension"], implicit: "extension" }],
]);

/** Nothing that depends on one of these has an index. */
const withoutIndexes = new Set<ObjectType>([
  "OBJECT_TRIGGER",
  "OBJECT_RULE",
  "OBJECT_POLICY",
  "OBJECT_PUBLICATION",
  "OBJECT_STATISTIC_EXT",
  "OBJECT_EVENT_TRIGGER",
  "OBJECT_CONVERSION",
  "OBJECT_TRANSFORM",
]);

const relationKinds = new Map<ObjectType, { words: string; implicit: ImplicitDrop["kind"] }>([
  ["OBJECT_TABLE", { words: "table", implicit: "table" }],
  ["OBJECT_VIEW", { words: "view", implicit: "materialized-view" }],
  ["OBJECT_MATVIEW", { words: "materialized view", implicit: "materialized-view" }],
  ["OBJECT_FOREIGN_TABLE", { words: "foreign table", implicit: "table" }],
]);

export function dropObjects(context: Context, statement: DropStmt): void {
  const type = statement.removeType ?? "OBJECT_TABLE";
  const names = (statement.objects ?? []).map((node) => objectName(node, type));
  const cascade = statement.behavior === "DROP_CASCADE";
  const relationKind = relationKinds.get(type);
  if (type === "OBJECT_INDEX") dropIndexes(context, names, statement.concurrent ?? false, cascade);
  else if (type === "OBJECT_SCHEMA") for (const { name } of names) dropSchema(context, name, cascade);
  else if (relationKind) for (const name of names) dropRelations(context, name, relationKind, cascade);
  else for (const name of names) dropOther(context, type, name, cascade);
}

function objectName(node: Node, type: ObjectType): ObjectName {
  if ("TypeName" in node) return typeNameOf(node.TypeName);
  if ("ObjectWithArgs" in node) return nameFrom(strings(node.ObjectWithArgs.objname));
  if ("String" in node) return { schema: null, name: node.String.sval ?? "" };
  const parts = "List" in node ? strings(node.List.items) : [];
  // DROP OPERATOR CLASS … USING method: the method comes first.
  return nameFrom(type === "OBJECT_OPCLASS" || type === "OBJECT_OPFAMILY" ? parts.slice(1) : parts);
}

function dropIndexes(context: Context, names: readonly ObjectName[], concurrently: boolean, cascade: boolean): void {
  for (const name of names) {
    const found = context.indexes(name);
    const renamed = context
      .relations(name)
      .filter(({ known, origin }) => !known && origin !== null && origin.name !== name.name);
    for (const { origin } of renamed) context.dropUnnamedIndex(origin ?? name, concurrently, names.length);
    if (found.length === 0 && renamed.length === 0) context.dropUnnamedIndex(name, concurrently, names.length);
    for (const index of found) {
      context.dropIndex(index, null, concurrently, names.length);
      // A unique index on which a foreign key or a view's GROUP BY rests: CASCADE can reach materialized views.
      if (cascade && index.row.unique && viewsUnknown(context)) {
        context.dropUnknown({ kind: "materialized-view", object: `index ${displayName(name)}` });
      }
    }
  }
}

function dropRelations(
  context: Context,
  name: ObjectName,
  { words, implicit: kind }: { words: string; implicit: ImplicitDrop["kind"] },
  cascade: boolean,
): void {
  const implicit: ImplicitDrop = { kind, object: `${words} ${displayName(name)}` };
  const relations = context.relations(name);
  context.schema(`drop ${words}`, relations.length > 0 ? relations.map(tableReference) : context.tables(name), true);
  // A view or foreign table has no index of its own.
  const indexless = words === "view" || words === "foreign table";
  if (relations.length === 0 && (!indexless || cascade)) context.dropUnknown(implicit, context.tables(name));
  for (const relation of relations) dropRelation(context, relation, implicit, cascade);
}

function dropOther(context: Context, type: ObjectType, name: ObjectName, cascade: boolean): void {
  const kind = dependedOn.get(type);
  const words = kind?.words ?? type.replace("OBJECT_", "").toLowerCase().replaceAll("_", " ");
  context.schema(`drop ${words}`, [], false);
  const object = `${words} ${displayName(name)}`;
  const implicit: ImplicitDrop = { kind: kind?.implicit ?? "other", object };
  if (kind && (cascade || type === "OBJECT_EXTENSION")) {
    dropDependentsOf(context, kind.kinds, name, implicit);
    if (cascade && kind.kinds.includes("type")) dropColumnsOfType(context, name.name);
    if (context.movedObjects.has(name.name)) context.dropUnknown(implicit);
    if (viewsUnknown(context) && cascade) context.dropUnknown(implicit);
  } else if (cascade && !withoutIndexes.has(type)) context.dropUnknown(implicit);
}

/** Columns of the type go with it, and what is built on them. */
function dropColumnsOfType(context: Context, type: string): void {
  for (const relation of [...context.state.everyRelation()]) {
    for (const column of relation.dropped ? [] : (relation.row.columns ?? [])) {
      if (baseType(column.type) === type) dropColumn(context, relation, column.name, true);
    }
  }
}

/** 'public."Mood"(3)[]' → "Mood": the name alone, as format_type prints it. */
function baseType(type: string): string {
  const bare = type.replace(/(\[\])+$/, "").replace(/\([^()]*\)$/, "");
  return bare.slice(bare.lastIndexOf(".") + 1).replaceAll('"', "");
}

function dropSchema(context: Context, schema: string, cascade: boolean): void {
  const implicit: ImplicitDrop = { kind: "schema", object: `schema ${schema}` };
  context.schema("drop schema", [], true);
  if (!cascade) return;
  for (const relation of [...context.state.everyRelation()]) {
    const here = relation.row.schema === schema || relation.origin?.schema === schema;
    if (here && !relation.dropped) dropRelation(context, relation, implicit, true);
  }
  const { catalog, dependencies } = context.state;
  for (const dependency of dependencies ?? []) {
    const inSchema = dependency.schema === schema || (dependency.kind === "schema" && dependency.name === schema);
    if (inSchema && !dependency.index.dropped) context.dropIndex(dependency.index, implicit);
  }
  const complete = catalog?.tables && catalog.indexes && dependencies && !viewsUnknown(context);
  const listed = catalog?.schemas === undefined || catalog.schemas.some(({ name }) => name === schema);
  if (!complete || (!listed && !context.createdSchemas.has(schema)) || context.movedObjects.size > 0)
    context.dropUnknown(implicit);
}

/** Everything that a role owns in this database. Who owns types, functions and operator classes is not in the catalogue. */
export function dropOwned(context: Context, statement: DropOwnedStmt): void {
  const roles = (statement.roles ?? []).flatMap((node) =>
    "RoleSpec" in node ? [node.RoleSpec.rolename ?? "the current role"] : [],
  );
  context.schema("drop owned", [], true);
  for (const role of roles) {
    const implicit: ImplicitDrop = { kind: "owned", object: `what ${role} owns` };
    for (const relation of [...context.state.everyRelation()]) {
      if (relation.row.owner === role && !relation.dropped && !indexesUnknown(context, relation))
        dropRelation(context, relation, implicit, false);
    }
    context.dropUnknown(implicit);
  }
}

import type { AlterTableCmd, AlterTableStmt, RangeVar } from "@pgsql/types";
import { rangeVarName, typeNameOf } from "./ast.ts";
import { columnNames, indexUsesColumn } from "./columns.ts";
import { type Context, indexReference, tableReference } from "./context.ts";
import { addConstraint } from "./create-index.ts";
import { addColumn, typeText } from "./create-table.ts";
import { dropColumn, dropConstraint, withDescendants } from "./drop-relation.ts";
import { isCatalogue } from "./facts.ts";
import { reportReplacedColumn } from "./replaced-names.ts";
import type { Index, Relation } from "./state.ts";

/** "AT_SetNotNull" → "set not null". */
function words(subtype: string): string {
  return subtype
    .replace(/^AT_/, "")
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase();
}

/** Commands that take away or change an index, a constraint or a partition. */
const plansChange = new Set<string>([
  "AT_DropColumn",
  "AT_DropConstraint",
  "AT_AttachPartition",
  "AT_DetachPartition",
  "AT_DetachPartitionFinalize",
  "AT_AddInherit",
  "AT_DropInherit",
  "AT_DropNotNull",
  "AT_AlterConstraint",
]);

export function alterTable(context: Context, statement: AlterTableStmt): void {
  const name = rangeVarName(statement.relation);
  if (isCatalogue(name)) {
    context.opaque("catalogue-write", `ALTER TABLE of the system catalogue ${name.name}`);
    return;
  }
  const commands = (statement.cmds ?? []).flatMap((node) => ("AlterTableCmd" in node ? [node.AlterTableCmd] : []));
  if (statement.objtype === "OBJECT_TYPE") {
    alterCompositeType(context, name.name, commands);
    return;
  }
  if (statement.objtype === "OBJECT_INDEX") {
    for (const command of commands) alterIndex(context, statement, command);
    return;
  }
  for (const command of commands) alterRelation(context, statement, command);
}

/** Typed tables lose the column, and its indexes, with the attribute. */
function alterCompositeType(context: Context, type: string, commands: readonly AlterTableCmd[]): void {
  context.movedObjects.add(type);
  context.schema("alter type");
  for (const command of commands) {
    if (command.subtype === "AT_DropColumn" && command.behavior === "DROP_CASCADE") {
      context.dropUnknown({ kind: "type", object: `attribute ${type}.${command.name ?? ""}` });
    }
  }
}

function alterIndex(context: Context, statement: AlterTableStmt, command: AlterTableCmd): void {
  const indexes = context.indexes(rangeVarName(statement.relation));
  const partition = command.def && "PartitionCmd" in command.def ? command.def.PartitionCmd.name : undefined;
  if (command.subtype === "AT_AttachPartition" && partition) {
    for (const index of indexes) {
      for (const part of context.indexes(rangeVarName(partition))) index.partitions.add(part);
      if (!context.uncertain && servesEveryPartition(index)) index.row = { ...index.row, valid: true };
    }
  }
  context.schema(
    "alter index",
    indexes.map((index) => tableReference(index.relation)),
  );
}

/** PostgreSQL docs, CREATE INDEX, "ON ONLY": the index becomes valid with the last partition. */
function servesEveryPartition({ partitions, relation }: Index): boolean {
  const served = new Set([...partitions].flatMap((part) => (part.row.valid && !part.dropped ? part.relation : [])));
  return [...relation.partitions].every((partition) => partition.dropped || served.has(partition));
}

function alterRelation(context: Context, statement: AlterTableStmt, command: AlterTableCmd): void {
  const name = rangeVarName(statement.relation);
  const subtype = command.subtype ?? "AT_SetOptions";
  const cascade = command.behavior === "DROP_CASCADE";
  const relation = context.relation(name);
  const meanings = context.relations(name);
  const column = command.name ?? "";
  switch (subtype) {
    case "AT_DropColumn":
      context.schema("drop column", meanings.map(tableReference), true);
      for (const table of meanings) dropColumn(context, table, column, cascade);
      return;
    case "AT_DropConstraint":
      context.schema("drop constraint", meanings.map(tableReference), true);
      for (const table of meanings) dropConstraint(context, table, column, cascade);
      return;
    case "AT_AlterColumnType":
      for (const table of meanings) alterColumnType(context, table, command);
      return;
    case "AT_AddColumn":
      context.schema("add column", [tableReference(relation)]);
      if (command.def && "ColumnDef" in command.def) {
        reportReplacedColumn(context, relation, command.def.ColumnDef.colname ?? "", null);
        addColumn(context, relation, command.def.ColumnDef);
      }
      return;
    case "AT_AddConstraint":
      context.schema("add constraint", constraintTables(context, relation, command));
      if (command.def && "Constraint" in command.def) addConstraint(context, relation, command.def.Constraint, null);
      return;
    case "AT_AttachPartition":
    case "AT_DetachPartition":
    case "AT_DetachPartitionFinalize":
      changePartition(context, relation, command);
      return;
    case "AT_AddInherit":
    case "AT_DropInherit":
      if (command.def && "RangeVar" in command.def) changeInheritance(context, relation, command.def.RangeVar, subtype);
      return;
    case "AT_ChangeOwner":
      for (const table of meanings) table.row = { ...table.row, owner: command.newowner?.rolename ?? null };
      break;
    case "AT_ReplicaIdentity":
    case "AT_ClusterOn":
      markIndex(relation, subtype, command);
      break;
    default:
      break;
  }
  context.schema(words(subtype), [tableReference(relation)], plansChange.has(subtype));
}

function constraintTables(context: Context, relation: Relation, command: AlterTableCmd) {
  const target = command.def && "Constraint" in command.def ? command.def.Constraint.pktable : undefined;
  return [tableReference(relation), ...(target ? context.tables(rangeVarName(target)) : [])];
}

/** The table's indexes on the column are rebuilt, those of its partitions and inheritors too. */
function alterColumnType(context: Context, relation: Relation, command: AlterTableCmd): void {
  const column = command.name ?? "";
  const tables = withDescendants(relation);
  const rebuilt = tables.flatMap((table) =>
    [...table.indexes].filter((index) => !index.dropped && indexUsesColumn(index, columnNames(table, column))),
  );
  const type = command.def && "ColumnDef" in command.def ? command.def.ColumnDef.typeName : undefined;
  // Dropping the new type with CASCADE would take the column with it, which pg_depend's rows do not know.
  context.movedObjects.add(typeNameOf(type).name);
  context.changes.push({
    kind: "alter-column-type",
    statement: context.statement,
    tables: tables.map(tableReference),
    affectsQueryPlans: true,
    column,
    rebuilds: rebuilt.map(indexReference),
  });
  for (const table of tables) {
    const columns = table.row.columns?.map((row) => (row.name === column ? { ...row, type: typeText(type) } : row));
    table.row = { ...table.row, columns: columns ?? table.row.columns };
  }
}

function changePartition(context: Context, parent: Relation, command: AlterTableCmd): void {
  const range = command.def && "PartitionCmd" in command.def ? command.def.PartitionCmd.name : undefined;
  const partition = context.relation(rangeVarName(range));
  const attach = command.subtype === "AT_AttachPartition";
  // A detach may fail; a partition that may still be one goes with its parent.
  if (attach) parent.partitions.add(partition);
  partition.row = {
    ...partition.row,
    partitionOf: attach ? { schema: parent.row.schema, name: parent.row.name } : null,
  };
  const tables = [tableReference(parent), tableReference(partition)];
  context.schema(attach ? "attach partition" : "detach partition", tables, true);
}

function changeInheritance(
  context: Context,
  child: Relation,
  range: RangeVar,
  subtype: "AT_AddInherit" | "AT_DropInherit",
): void {
  const parent = context.relation(rangeVarName(range));
  if (subtype === "AT_AddInherit") parent.inheritors.add(child);
  context.schema(words(subtype), [tableReference(child), tableReference(parent)], true);
}

function markIndex(relation: Relation, subtype: "AT_ReplicaIdentity" | "AT_ClusterOn", command: AlterTableCmd): void {
  const identity =
    command.def && "ReplicaIdentityStmt" in command.def ? (command.def.ReplicaIdentityStmt.name ?? null) : null;
  for (const index of relation.indexes) {
    index.row =
      subtype === "AT_ClusterOn"
        ? { ...index.row, clustered: index.row.name === command.name }
        : { ...index.row, replicaIdentity: index.row.name === identity };
  }
}

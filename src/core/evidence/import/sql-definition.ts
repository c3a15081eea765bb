import type { Constraint, IndexStmt, Node } from "@pgsql/types";
import type { CatalogConstraint, CatalogIndex } from "../../catalog/catalog.ts";
import { strings } from "../../sql/ast.ts";
import { parseSql } from "../../sql/grammar.ts";
import { definitionOf } from "../../sql/index-definition.ts";

interface TableName {
  schema: string;
  name: string;
}

/** Exactly one statement. `problem`: PostgreSQL's message. */
export function readStatement(sql: string): Node | { problem: string } {
  if (sql.includes("\0")) return { problem: "a NUL byte" };
  const parsed = parseSql(sql);
  if (!parsed.ok) return { problem: parsed.failure.message };
  const [statement, ...more] = parsed.value;
  return statement === undefined || more.length > 0 ? { problem: "not exactly one statement" } : statement.node;
}

/** CREATE INDEX → index. `defaultSchema`: of a table that is named without one. */
export function indexOfStatement(statement: IndexStmt, sql: string, defaultSchema: string): CatalogIndex {
  return {
    schema: statement.relation?.schemaname || defaultSchema,
    name: statement.idxname ?? "",
    table: statement.relation?.relname ?? "",
    ...definitionOf(statement, sql).row,
    definition: sql,
  };
}

/** ADD CONSTRAINT … EXCLUDE → the index that enforces it. */
export function indexOfExclusion(constraint: Constraint, sql: string, table: TableName): CatalogIndex {
  const elements = (constraint.exclusions ?? []).flatMap((pair) =>
    "List" in pair ? (pair.List.items ?? []).slice(0, 1) : [],
  );
  const statement: IndexStmt = {
    accessMethod: constraint.access_method ?? "btree",
    indexParams: elements,
    indexIncludingParams: strings(constraint.including).map((name) => ({ IndexElem: { name } })),
    ...(constraint.where_clause !== undefined && { whereClause: constraint.where_clause }),
  };
  return {
    schema: table.schema,
    name: constraint.conname ?? "",
    table: table.name,
    ...definitionOf(statement, sql).row,
    exclusion: true,
  };
}

/** ADD CONSTRAINT … FOREIGN KEY or CHECK → constraint; null: another kind. `defaultSchema`: of a referenced table that is named without one. */
export function constraintOf(
  constraint: Constraint,
  table: TableName,
  defaultSchema: string,
  definition: string,
): CatalogConstraint | null {
  const base = {
    schema: table.schema,
    table: table.name,
    name: constraint.conname ?? "",
    validated: constraint.skip_validation !== true,
    definition,
  };
  if (constraint.contype === "CONSTR_CHECK") return { ...base, type: "check", columns: [] };
  if (constraint.contype !== "CONSTR_FOREIGN") return null;
  return {
    ...base,
    type: "foreign-key",
    columns: strings(constraint.fk_attrs),
    references: {
      schema: constraint.pktable?.schemaname || defaultSchema,
      table: constraint.pktable?.relname ?? "",
      columns: strings(constraint.pk_attrs),
    },
  };
}

/** The constraint of a one-command ALTER TABLE … ADD CONSTRAINT. */
export function addedConstraint(node: Node): Constraint | null {
  if (!("AlterTableStmt" in node)) return null;
  const [command] = node.AlterTableStmt.cmds ?? [];
  const added = command !== undefined && "AlterTableCmd" in command ? command.AlterTableCmd.def : undefined;
  return added !== undefined && "Constraint" in added ? added.Constraint : null;
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

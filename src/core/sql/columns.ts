import type { Node } from "@pgsql/types";
import { strings, walk } from "./ast.ts";
import { parseSql } from "./grammar.ts";
import { getOrCreate } from "./name-map.ts";
import type { Index, Relation } from "./state.ts";

const expressionCache = new Map<string, ReadonlySet<string> | null>();
const cacheLimit = 10_000;

/** The columns that an expression reads; null: it reads the whole row, or cannot be read. */
export function expressionColumns(expression: string): ReadonlySet<string> | null {
  const cached = expressionCache.get(expression);
  if (cached !== undefined) return cached;
  if (expressionCache.size >= cacheLimit) expressionCache.clear();
  const columns = readColumns(expression);
  expressionCache.set(expression, columns);
  return columns;
}

/** null: not one expression that can be read. */
export function parseExpression(text: string): Node | null {
  const parsed = text === "" || text.includes("\0") ? null : parseSql(`SELECT ${text}`);
  const node = parsed?.ok && parsed.value.length === 1 ? parsed.value[0]?.node : undefined;
  const target = node && "SelectStmt" in node ? node.SelectStmt.targetList?.[0] : undefined;
  return target && "ResTarget" in target ? (target.ResTarget.val ?? null) : null;
}

function readColumns(expression: string): ReadonlySet<string> | null {
  const parsed = expression.includes("\0") ? null : parseSql(`SELECT (${expression})`);
  if (!parsed?.ok) return null;
  const columns = new Set<string>();
  let wholeRow = false;
  walk(parsed.value[0]?.node, (type, value) => {
    if (type === "A_Star") wholeRow = true;
    // A ColumnRef's fields are String and A_Star nodes.
    if (type === "ColumnRef")
      for (const name of strings(value.fields as Parameters<typeof strings>[0])) columns.add(name);
    return true;
  });
  return wholeRow ? null : columns;
}

/** Every name that the column has or had in this request. */
export function columnNames(relation: Relation, column: string): ReadonlySet<string> {
  const names = new Set([column]);
  for (const name of names) for (const former of relation.formerColumns.get(name) ?? []) names.add(former);
  return names;
}

/** Does the index go when the column goes (PostgreSQL docs, ALTER TABLE, "DROP COLUMN")? Unreadable expressions count as yes. */
export function indexUsesColumn(index: Index, names: ReadonlySet<string>): boolean {
  const { keys, include, predicate } = index.row;
  const table = index.relation;
  const reads = (expression: string) => {
    const columns = expressionColumns(expression);
    // The table's own name in an expression is the whole row.
    return columns === null || columns.has(table.row.name) || [...names].some((name) => columns.has(name));
  };
  return (
    keys.some((key) => (key.column ? names.has(key.column) : key.expression ? reads(key.expression) : true)) ||
    include.some((name) => names.has(name)) ||
    (predicate ? reads(predicate) : false)
  );
}

/** The column has a new name in the table, its indexes and its constraints; expressions keep the old one. */
export function renameColumn(relation: Relation, from: string, to: string): void {
  getOrCreate(relation.formerColumns, to, () => new Set<string>()).add(from);
  const renamed = (name: string) => (name === from ? to : name);
  relation.row = {
    ...relation.row,
    columns: relation.row.columns?.map((column) => ({ ...column, name: renamed(column.name) })) ?? relation.row.columns,
  };
  for (const index of relation.indexes) {
    index.row = {
      ...index.row,
      keys: index.row.keys.map((key) => (key.column ? { ...key, column: renamed(key.column) } : key)),
      include: index.row.include.map(renamed),
    };
  }
  for (const constraint of relation.constraints) {
    constraint.row = { ...constraint.row, columns: constraint.row.columns.map(renamed) };
  }
}

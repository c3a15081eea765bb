import type { FuncCall, IntoClause, Node } from "@pgsql/types";
import type { ObjectName } from "../values.ts";
import { nameFrom, rangeVarName, strings, walk } from "./ast.ts";
import type { DataChange } from "./change.ts";

/** What a statement does apart from what it is: the functions that it calls and the data that it writes, at any depth. */
export interface Facts {
  calls: { name: ObjectName; arguments: readonly Node[] }[];
  /** Operators written with a schema. */
  operators: ObjectName[];
  writes: { operation: DataChange["operation"]; target: ObjectName }[];
  selectsInto: { into: IntoClause }[];
  /** Last parts of qualified column references: "orders.tidy" can be a call of tidy(orders). */
  fields: Set<string>;
  /** Reads a table or view: a view can call functions. */
  reads: boolean;
}

const writeOperations = new Map<string, DataChange["operation"]>([
  ["InsertStmt", "insert"],
  ["UpdateStmt", "update"],
  ["DeleteStmt", "delete"],
  ["MergeStmt", "merge"],
]);

export function factsOf(root: unknown): Facts {
  const facts: Facts = { calls: [], operators: [], writes: [], selectsInto: [], fields: new Set(), reads: false };
  walk(root, (type, value) => {
    const operation = writeOperations.get(type);
    // What `value` is follows from `type`: both come from libpg_query's JSON.
    if (operation)
      facts.writes.push({ operation, target: rangeVarName(value.relation as Parameters<typeof rangeVarName>[0]) });
    else if (type === "FuncCall") facts.calls.push(callOf(value as FuncCall));
    else if (type === "SelectStmt" && value.intoClause)
      facts.selectsInto.push({ into: value.intoClause as IntoClause });
    else if (type === "CallStmt" && value.funccall) facts.calls.push(callOf(value.funccall as FuncCall));
    else if (type === "RangeVar") facts.reads = true;
    else if (type === "ColumnRef") addField(facts, value.fields, 1);
    else if (type === "A_Indirection") addField(facts, value.indirection, 0);
    else if (type === "A_Expr") addOperator(facts, value.name);
    else if (type === "SubLink") addOperator(facts, value.operName);
    else if (type === "SortBy") addOperator(facts, value.useOp);
    return true;
  });
  return facts;
}

function addField(facts: Facts, nodes: unknown, atLeast: number): void {
  // A list of String, A_Star and A_Indices nodes.
  const names = strings((nodes as Node[] | undefined) ?? []);
  const last = names.length > atLeast ? names.at(-1) : undefined;
  if (last !== undefined) facts.fields.add(last);
}

function callOf(call: FuncCall): Facts["calls"][number] {
  return { name: nameFrom(strings(call.funcname)), arguments: call.args ?? [] };
}

function addOperator(facts: Facts, name: unknown): void {
  // A list of String nodes, as above.
  const operator = nameFrom(strings((name as Node[] | undefined) ?? []));
  if (operator.schema !== null && operator.schema !== "pg_catalog") facts.operators.push(operator);
}

/** A system catalogue: written with its schema, or with a name that PostgreSQL finds in pg_catalog first. */
export function isCatalogue(name: ObjectName): boolean {
  if (name.schema === null) return name.name.startsWith("pg_") && name.name !== "pg_temp";
  return name.schema === "pg_catalog" || name.schema === "information_schema" || name.schema === "pg_toast";
}

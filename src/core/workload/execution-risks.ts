import type { Node } from "@pgsql/types";
import { nameFrom, rangeVarName, strings, typeNameOf, walk } from "../sql/ast.ts";
import { harmlessFunctions } from "../sql/harmless-functions.ts";
import type { ObjectName } from "../values.ts";

/** What has to be looked up on the server before a SELECT may be executed. */
export interface NamesToCheck {
  functions: string[];
  operators: string[];
  relations: ObjectName[];
  /** Types of casts: a domain's constraint can call functions. */
  types: ObjectName[];
  /** `row.name` calls a function of that name where the row has no such column. */
  attributes: string[];
}

export type ExecutionRisks = { mayRun: false; reason: string } | { mayRun: true; names: NamesToCheck };

/** Operators that the grammar or the planner puts in without their being written. */
const impliedOperators = ["=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "~~*", "!~~*"];

const writes = new Set(["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"]);

/** Could executing this statement do anything but read? What only the server knows is handed back as names. */
export function executionRisks(node: Node): ExecutionRisks {
  if (!("SelectStmt" in node)) return { mayRun: false, reason: "it is not a SELECT" };
  let reason: string | null = null;
  const names: NamesToCheck = {
    functions: [],
    operators: [...impliedOperators],
    relations: [],
    types: [],
    attributes: [],
  };
  walk(node, (type, value) => {
    // What `value` is follows from `type`: both come from libpg_query's JSON. Fields that hold one kind of node only, such as
    // these two, do not name it.
    if (value.intoClause) reason ??= "it creates a table (INTO)";
    if (value.typeName) names.types.push(typeNameOf(value.typeName as Parameters<typeof typeNameOf>[0]));
    if (writes.has(type)) reason ??= "it writes (a data-modifying WITH)";
    else if (type === "LockingClause") reason ??= "it locks rows (FOR UPDATE or FOR SHARE)";
    else if (type === "FuncCall") {
      const { schema, name } = nameFrom(strings(value.funcname as Node[]));
      if (schema !== null && schema !== "pg_catalog") reason ??= `it calls ${schema}.${name}()`;
      else if (!harmlessFunctions.has(name))
        reason ??= `it calls ${name}(), which is not one of PostgreSQL's own harmless functions`;
      names.functions.push(name);
    } else if (type === "A_Expr") names.operators.push(...operatorNames(value.name));
    else if (type === "SubLink") names.operators.push(...operatorNames(value.operName));
    else if (type === "SortBy") names.operators.push(...operatorNames(value.useOp));
    else if (type === "RangeVar") names.relations.push(rangeVarName(value as Parameters<typeof rangeVarName>[0]));
    else if (type === "RangeTableSample") reason ??= "it takes a sample (TABLESAMPLE)";
    else if (type === "ColumnRef") names.attributes.push(...strings(value.fields as Node[]).slice(-1));
    else if (type === "A_Indirection") names.attributes.push(...strings(value.indirection as Node[]));
    return true;
  });
  return reason === null ? { mayRun: true, names } : { mayRun: false, reason };
}

function operatorNames(name: unknown): string[] {
  return strings((name as Node[] | undefined) ?? []).slice(-1);
}

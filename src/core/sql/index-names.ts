import type { Node } from "@pgsql/types";
import { strings, typeNameOf } from "./ast.ts";

const maxBytes = 63;
const tryOneByOne = 64;
const encoder = new TextEncoder();

/** PostgreSQL's makeObjectName: "table_columns_label" in at most 63 bytes, the longer of the two parts cut first. */
function makeObjectName(first: string, second: string | null, label: string): string {
  const available = maxBytes - label.length - 1 - (second === null ? 0 : 1);
  let one = size(first);
  let two = second === null ? 0 : size(second);
  while (one + two > available) {
    if (one > two) one -= 1;
    else two -= 1;
  }
  return second === null ? `${clip(first, one)}_${label}` : `${clip(first, one)}_${clip(second, two)}_${label}`;
}

function size(text: string): number {
  return isAscii(text) ? text.length : encoder.encode(text).length;
}

/** The first `bytes` bytes, without a character that is cut in two. */
function clip(text: string, bytes: number): string {
  if (isAscii(text)) return text.slice(0, bytes);
  let kept = "";
  let used = 0;
  for (const character of text) {
    used += encoder.encode(character).length;
    if (used > bytes) break;
    kept += character;
  }
  return kept;
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 127) return false;
  return true;
}

/** The name that PostgreSQL gives an index without one: orders_user_id_status_idx, orders_pkey, orders_email_key1. */
export function defaultIndexName(
  table: string,
  columns: readonly string[],
  kind: "pkey" | "key" | "excl" | "idx",
  taken: (name: string) => boolean,
): string {
  const addition = kind === "pkey" ? null : joinColumns(columns);
  const candidate = (suffix: number) => makeObjectName(table, addition, suffix === 0 ? kind : `${kind}${suffix}`);
  let suffix = 0;
  while (suffix < tryOneByOne && taken(candidate(suffix))) suffix += 1;
  if (suffix < tryOneByOne) return candidate(suffix);
  // Past any real schema: the numbers before are taken without a gap, so halving finds the first free one.
  let free = suffix;
  while (taken(candidate(free))) free *= 2;
  for (let low = free / 2; free - low > 1; ) {
    const middle = Math.floor((low + free) / 2);
    if (taken(candidate(middle))) low = middle;
    else free = middle;
  }
  return candidate(free);
}

/** PostgreSQL's ChooseIndexNameAddition: joined with "_" until 63 bytes are reached. */
function joinColumns(columns: readonly string[]): string {
  let joined = "";
  for (const column of columns) {
    joined = joined === "" ? column : `${joined}_${column}`;
    if (size(joined) >= maxBytes) break;
  }
  return joined;
}

/** Names of the index's own columns: the column's, the function's for a call, otherwise "expr"; made unique. */
export function indexColumnNames(elements: readonly { column: string | null; expression: Node | null }[]): string[] {
  const names: string[] = [];
  for (const { column, expression } of elements) {
    const base = column ?? (expression ? figureName(expression) : null) ?? "expr";
    let name = base;
    for (let suffix = 1; names.includes(name); suffix += 1) name = `${base}${suffix}`;
    names.push(name);
  }
  return names;
}

/** PostgreSQL's FigureIndexColname. */
function figureName(expression: Node): string | null {
  if ("ColumnRef" in expression) return strings(expression.ColumnRef.fields).at(-1) ?? null;
  if ("FuncCall" in expression) return strings(expression.FuncCall.funcname).at(-1) ?? null;
  if ("A_Indirection" in expression) {
    const field = strings(expression.A_Indirection.indirection).at(-1);
    return field ?? (expression.A_Indirection.arg ? figureName(expression.A_Indirection.arg) : null);
  }
  if ("CollateClause" in expression)
    return expression.CollateClause.arg ? figureName(expression.CollateClause.arg) : null;
  if ("TypeCast" in expression) {
    const inner = expression.TypeCast.arg ? figureName(expression.TypeCast.arg) : null;
    return inner ?? typeNameOf(expression.TypeCast.typeName).name;
  }
  if ("CaseExpr" in expression) return "case";
  if ("CoalesceExpr" in expression) return "coalesce";
  if ("A_ArrayExpr" in expression) return "array";
  if ("RowExpr" in expression) return "row";
  if ("A_Expr" in expression && expression.A_Expr.kind === "AEXPR_NULLIF") return "nullif";
  if ("MinMaxExpr" in expression) return expression.MinMaxExpr.op === "IS_LEAST" ? "least" : "greatest";
  return null;
}

import type { Node } from "@pgsql/types";
import { nameFrom, rangeVarName, strings } from "../sql/ast.ts";
import type { ObjectName } from "../values.ts";

/** A column as a query writes it, and the relations that it may belong to, the likeliest first. */
export interface ColumnUse {
  column: string;
  relations: readonly ObjectName[];
}

/** What a parameter $n stands for. It decides which values show how the query is planned. */
export type ParameterUse =
  /** column = $n, column = ANY ($n) (`array`), column LIKE $n (`pattern`), or a bound of it. */
  | { kind: "equal" | "array" | "pattern" | "lower-bound" | "upper-bound"; column: ColumnUse }
  | { kind: "limit" }
  | { kind: "offset" }
  /** It is returned, written or sorted by: it does not choose rows. */
  | { kind: "output" }
  /** It chooses rows in a way that is not understood here. */
  | { kind: "unknown" };

interface Place {
  node: unknown;
  choosesRows: boolean;
}

interface Scan {
  uses: Map<number, ParameterUse>;
  aliases: Map<string, ObjectName[]>;
  relations: ObjectName[];
}

/** Parts of statements that return, write, sort or group, by field name of the parse tree. */
const outputFields = new Set([
  "targetList",
  "sortClause",
  "groupClause",
  "valuesLists",
  "returningList",
  "windowClause",
]);

const lowerBounds = new Set([">", ">="]);
const upperBounds = new Set(["<", "<="]);

/** $1 … $n of a statement's parse tree. The first use that chooses rows counts. */
export function parameterUses(root: Node, count: number): ParameterUse[] {
  const scan: Scan = { uses: new Map(), aliases: new Map(), relations: [] };
  collectRelations(root, scan);
  const stack: Place[] = [{ node: root, choosesRows: true }];
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) visit(place, scan, stack);
  return Array.from({ length: count }, (_, index) => scan.uses.get(index + 1) ?? { kind: "output" });
}

function collectRelations(root: unknown, scan: Scan): void {
  const stack: unknown[] = [root];
  for (let node = stack.pop(); node !== undefined || stack.length > 0; node = stack.pop()) {
    if (typeof node !== "object" || node === null) continue;
    if ("relname" in node && "relpersistence" in node) {
      // libpg_query's RangeVar; relpersistence tells it from what else has a relname.
      const range = node as Parameters<typeof rangeVarName>[0] & { alias?: { aliasname?: string } };
      const name = rangeVarName(range);
      const alias = range.alias?.aliasname ?? name.name;
      scan.relations.push(name);
      scan.aliases.set(alias, [...(scan.aliases.get(alias) ?? []), name]);
    }
    stack.push(...Object.values(node).reverse());
  }
}

function visit({ node, choosesRows }: Place, scan: Scan, stack: Place[]): void {
  if (typeof node !== "object" || node === null) return;
  if (Array.isArray(node)) {
    for (const child of node) stack.push({ node: child, choosesRows });
    return;
  }
  for (const [key, value] of Object.entries(node)) {
    if (key === "ParamRef") note(scan, parameterOf(node), choosesRows ? { kind: "unknown" } : { kind: "output" });
    else if (key === "limitCount") limitUse(value, { kind: "limit" }, scan, stack);
    else if (key === "limitOffset") limitUse(value, { kind: "offset" }, scan, stack);
    else if (key === "A_Expr" && choosesRows) comparison(value, scan, stack);
    else if (outputFields.has(key)) stack.push({ node: value, choosesRows: false });
    else if (isQuery(key)) stack.push({ node: value, choosesRows: true });
    else stack.push({ node: value, choosesRows });
  }
}

function isQuery(key: string): boolean {
  return key === "SelectStmt" || key === "whereClause" || key === "havingClause" || key === "larg" || key === "rarg";
}

/** A use that chooses rows beats one that does not; what is understood beats what is not. */
const rank = (use: ParameterUse) => (use.kind === "output" ? 0 : use.kind === "unknown" ? 1 : 2);

function note(scan: Scan, number: number | null, use: ParameterUse): void {
  if (number === null) return;
  const known = scan.uses.get(number);
  if (known === undefined || rank(use) > rank(known)) scan.uses.set(number, use);
}

function limitUse(value: unknown, use: ParameterUse, scan: Scan, stack: Place[]): void {
  const number = parameterOf(value);
  if (number === null) stack.push({ node: value, choosesRows: true });
  else note(scan, number, use);
}

/** An operator's two sides: a column on one of them says what the parameters on the other one stand for. */
function comparison(value: unknown, scan: Scan, stack: Place[]): void {
  // libpg_query's A_Expr.
  const { kind, name, lexpr, rexpr } = value as { kind?: string; name?: Node[]; lexpr?: Node; rexpr?: Node };
  const operator = nameFrom(strings(name)).name;
  const rows = [lexpr, rexpr].map((side) =>
    side !== undefined && "RowExpr" in side ? (side.RowExpr.args ?? []) : null,
  );
  if (rows[0] && rows[1] && rows[0].length === rows[1].length) {
    for (const [index, left] of rows[0].entries()) {
      comparison({ kind, name, lexpr: left, rexpr: rows[1][index] }, scan, stack);
    }
    return;
  }
  for (const [own, other, mirrored] of [
    [rexpr, lexpr, false],
    [lexpr, rexpr, true],
  ] as const) {
    const column = columnOf(other, scan);
    for (const [index, part] of partsOf(own).entries()) {
      const number = parameterOf(part);
      if (number === null) stack.push({ node: part, choosesRows: true });
      else
        note(
          scan,
          number,
          column === null ? { kind: "unknown" } : useOf(kind ?? "", operator, mirrored, index, column),
        );
    }
  }
}

/** IN (…), BETWEEN … AND …, ARRAY[…] and ROW(…) hold their values in a list. */
function partsOf(node: Node | undefined): unknown[] {
  if (node === undefined) return [];
  if ("List" in node) return node.List.items ?? [];
  if ("A_ArrayExpr" in node) return node.A_ArrayExpr.elements ?? [];
  return [node];
}

function useOf(kind: string, operator: string, mirrored: boolean, position: number, column: ColumnUse): ParameterUse {
  if (kind === "AEXPR_OP_ANY") return operator === "=" && !mirrored ? { kind: "array", column } : { kind: "unknown" };
  if (kind === "AEXPR_IN" || kind === "AEXPR_NOT_DISTINCT") return { kind: "equal", column };
  if (kind === "AEXPR_LIKE" || kind === "AEXPR_ILIKE") return { kind: "pattern", column };
  if (kind.startsWith("AEXPR_BETWEEN")) return { kind: position === 0 ? "lower-bound" : "upper-bound", column };
  if (kind !== "AEXPR_OP") return { kind: "unknown" };
  if (operator === "=" || operator === "<>") return { kind: "equal", column };
  if (lowerBounds.has(operator)) return { kind: mirrored ? "upper-bound" : "lower-bound", column };
  if (upperBounds.has(operator)) return { kind: mirrored ? "lower-bound" : "upper-bound", column };
  return { kind: "unknown" };
}

/** The number of a parameter, with or without a cast; null: something else. */
function parameterOf(value: unknown): number | null {
  let node = value;
  while (typeof node === "object" && node !== null && "TypeCast" in node) {
    // libpg_query's TypeCast.
    node = (node.TypeCast as { arg?: unknown }).arg;
  }
  if (typeof node !== "object" || node === null || !("ParamRef" in node)) return null;
  // libpg_query's ParamRef.
  return (node.ParamRef as { number?: number }).number ?? null;
}

/** The one column of an expression: lower(email) is as selective as email is. */
function columnOf(node: Node | undefined, scan: Scan): ColumnUse | null {
  const found: string[][] = [];
  const stack: unknown[] = [node];
  while (stack.length > 0) {
    const next = stack.pop();
    if (typeof next !== "object" || next === null) continue;
    if ("SubLink" in next) return null;
    // libpg_query's ColumnRef.
    if ("ColumnRef" in next) found.push(strings((next.ColumnRef as { fields?: Node[] }).fields));
    else stack.push(...Object.values(next));
  }
  const [parts] = found;
  const column = parts?.at(-1);
  if (found.length !== 1 || parts === undefined || column === undefined) return null;
  const qualifier = parts.at(-2);
  const own = qualifier === undefined ? [] : (scan.aliases.get(qualifier) ?? []);
  return { column, relations: [...new Set([...own, ...scan.relations])] };
}

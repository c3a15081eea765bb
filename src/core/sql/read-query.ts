import type { Node } from "@pgsql/types";
import { sha256Hex } from "../digest.ts";
import type { ObjectName } from "../values.ts";
import { parseSql } from "./grammar.ts";

/** What a query of the workload reads. */
export interface QueryReading {
  /** Equal for queries that differ only in their constants, parameters and white space. */
  fingerprint: string;
  /** Every relation that it names as a source or target of rows; names as written. */
  relations: readonly ObjectName[];
}

/** A database's workload is the same from one request to the next, and parsing some thousand statements takes a tenth of a second. */
const known = new Map<string, QueryReading>();
const mostKnown = 20_000;
const longestKnown = 10_000;

/**
 * null: not SQL that can be parsed (a text that was cut off, or one that its owner hides). A name that a CTE shadows is
 * listed as if it were a table, so a query can only be taken for reading more than it does.
 */
export function readQuery(text: string): QueryReading | null {
  const before = known.get(text);
  if (before !== undefined) return before;
  const reading = parseQuery(text);
  if (reading !== null && text.length <= longestKnown) {
    if (known.size >= mostKnown) known.clear();
    known.set(text, reading);
  }
  return reading;
}

function parseQuery(text: string): QueryReading | null {
  const parsed = parseSql(text);
  if (!parsed.ok || text.includes("\0")) return null;
  const relations = new Map<string, ObjectName>();
  for (const { node } of parsed.value) collect(queryOf(node), relations);
  const shape = JSON.stringify(
    parsed.value.map(({ node }) => node),
    withoutConstants,
  );
  return { fingerprint: sha256Hex(shape), relations: [...relations.values()] };
}

/** The part of a statement that has a query plan; undefined: none (VACUUM, CREATE INDEX, SET …). */
export function queryOf(statement: Node): unknown {
  if ("SelectStmt" in statement || "InsertStmt" in statement || "UpdateStmt" in statement) return statement;
  if ("DeleteStmt" in statement || "MergeStmt" in statement) return statement;
  if ("DeclareCursorStmt" in statement) return statement.DeclareCursorStmt.query;
  if ("PrepareStmt" in statement) return statement.PrepareStmt.query;
  if ("ExplainStmt" in statement) return statement.ExplainStmt.query;
  if ("CreateTableAsStmt" in statement) return statement.CreateTableAsStmt.query;
  if ("CopyStmt" in statement) return statement.CopyStmt.query;
  return undefined;
}

/** Walks the parse tree's plain JSON without recursion, since expressions nest as deep as they like. */
function collect(tree: unknown, relations: Map<string, ObjectName>): void {
  const stack: unknown[] = [tree];
  while (stack.length > 0) {
    const node = stack.pop();
    if (typeof node !== "object" || node === null) continue;
    for (const [key, value] of Object.entries(node)) {
      if (key === "InsertStmt" && isPlainInsert(value))
        stack.push(value.selectStmt, value.withClause, value.returningList);
      else stack.push(value);
    }
    if (isRangeVar(node)) {
      const name = { schema: node.schemaname ?? null, name: node.relname };
      relations.set(JSON.stringify(name), name);
    }
  }
}

/** INSERT without ON CONFLICT writes its target without looking for rows in it. */
function isPlainInsert(
  value: unknown,
): value is { selectStmt?: unknown; withClause?: unknown; returningList?: unknown } {
  return typeof value === "object" && value !== null && !("onConflictClause" in value);
}

function isRangeVar(node: object): node is { relname: string; schemaname?: string } {
  return "relname" in node && typeof node.relname === "string" && "relpersistence" in node;
}

const constant = "?";
const positions = new Set(["location", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end"]);

/** For JSON.stringify: positions go, constants and parameters become "?", and a list of nothing else becomes one "?". */
function withoutConstants(key: string, value: unknown): unknown {
  if (positions.has(key)) return undefined;
  if (isConstant(value)) return constant;
  if (Array.isArray(value) && value.length > 1 && value.every(isConstant)) return [constant];
  return value;
}

function isConstant(value: unknown): boolean {
  return typeof value === "object" && value !== null && ("A_Const" in value || "ParamRef" in value);
}

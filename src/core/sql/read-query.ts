import { fingerprintSync, type Node, parseSync, SqlError } from "libpg-query";
import type { ObjectName } from "../values.ts";

/** What a query of the workload reads. */
export interface QueryReading {
  /** Equal for queries that differ only in their constants and parameters. */
  fingerprint: string;
  /** Every relation that it names as a source or target of rows; names as written. */
  relations: readonly ObjectName[];
}

/**
 * null: not SQL that can be parsed (a text that was cut off, or one that its owner hides). A name that a CTE shadows is
 * listed as if it were a table, so a query can only be taken for reading more than it does.
 */
export function readQuery(text: string): QueryReading | null {
  try {
    const relations = new Map<string, ObjectName>();
    for (const { stmt } of parseSync(text).stmts ?? []) collect(queryOf(stmt), relations);
    return { fingerprint: fingerprintSync(text), relations: [...relations.values()] };
  } catch (error) {
    if (error instanceof SqlError) return null;
    throw error;
  }
}

/** The part of a statement that has a query plan; undefined: none (VACUUM, CREATE INDEX, SET …). */
function queryOf(statement: Node | undefined): unknown {
  if (statement === undefined) return undefined;
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
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
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

function isRangeVar(node: object): node is { relname: string; schemaname?: string; relpersistence: string } {
  return "relname" in node && typeof node.relname === "string" && "relpersistence" in node;
}

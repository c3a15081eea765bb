import type { Node } from "@pgsql/types";
import { walk } from "../sql/ast.ts";
import { parseSql, scanSql } from "../sql/grammar.ts";

/** One query of a workload, as EXPLAIN of a prepared statement takes it. */
export interface QueryText {
  /** Without a final semicolon. */
  text: string;
  /** Its parse tree; locations count UTF-8 bytes from `start` bytes before the text. */
  node: Node;
  start: number;
  /** The largest n of its parameters $n; 0: none. */
  parameterCount: number;
}

/** Under this name plangate prepares what it explains. With pg_stat_statements.track = all it shows up in the workload, where it does not belong. */
export const explainedStatementName = "plangate_query";

export type ReadQueryText = { ok: true; query: QueryText } | { ok: false; reason: string };

/** What PREPARE takes (PostgreSQL docs, "PREPARE"). */
const preparable = ["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"];

export function readQueryText(text: string): ReadQueryText {
  const parsed = parseSql(text);
  if (text.includes("\0") || !parsed.ok)
    return { ok: false, reason: "it cannot be parsed: it is cut off, or its owner hides it" };
  const [statement, ...others] = parsed.value;
  if (statement === undefined) return { ok: false, reason: "there is no statement" };
  if (others.length > 0) return { ok: false, reason: `${others.length + 1} statements; a query is one statement` };
  if ("PrepareStmt" in statement.node) return readQueryText(preparedText(text));
  if (!preparable.some((type) => type in statement.node)) {
    return { ok: false, reason: "PostgreSQL prepares only SELECT, INSERT, UPDATE, DELETE and MERGE" };
  }
  const bytes = new TextEncoder().encode(text);
  const end = statement.length === null ? bytes.length : statement.start + statement.length;
  const own = new TextDecoder().decode(bytes.subarray(statement.start, end));
  const query = {
    text: own,
    node: statement.node,
    start: statement.start,
    parameterCount: parameterCount(statement.node),
  };
  return { ok: true, query };
}

/** PREPARE name (types) AS query → the query: what pg_stat_statements shows of a statement that was prepared by SQL. */
function preparedText(text: string): string {
  const scanned = scanSql(text);
  let depth = 0;
  for (const token of scanned.ok ? scanned.value : []) {
    if (token.text === "(") depth += 1;
    else if (token.text === ")") depth -= 1;
    else if (token.keyword && token.text.toLowerCase() === "as" && depth === 0) {
      return new TextDecoder().decode(new TextEncoder().encode(text).subarray(token.end));
    }
  }
  return "";
}

/** The query's text with constants in place of some parameters: SQL by parameter number. */
export function withConstants({ text, node, start }: QueryText, constants: ReadonlyMap<number, string>): string {
  const places: { offset: number; number: number }[] = [];
  walk(node, (type, value) => {
    // libpg_query's ParamRef; a location of 0 is left out.
    if (type === "ParamRef") places.push({ offset: Number(value.location ?? 0) - start, number: Number(value.number) });
    return true;
  });
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  let result = "";
  let from = 0;
  for (const { offset, number } of places.sort((a, b) => a.offset - b.offset)) {
    const constant = constants.get(number);
    if (constant === undefined) continue;
    result += decoder.decode(bytes.subarray(from, offset)) + constant;
    from = offset + `$${number}`.length;
  }
  return result + decoder.decode(bytes.subarray(from));
}

function parameterCount(node: Node): number {
  let count = 0;
  walk(node, (type, value) => {
    if (type === "ParamRef" && typeof value.number === "number") count = Math.max(count, value.number);
    return true;
  });
  return count;
}

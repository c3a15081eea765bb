import { constantString, nameFrom, strings, walk } from "./ast.ts";
import { reportCall, reportFacts } from "./calls.ts";
import type { Context } from "./context.ts";
import { parsePlpgsql, parseSql, scanSql, type Token } from "./grammar.ts";
import { readSql } from "./statements.ts";

/** PLpgSQL_expr of libpg_query's JSON. parseMode (PostgreSQL's RawParseMode): 0 statements, 2 an expression, 3 to 5 an assignment. */
interface Expression {
  query: string;
  parseMode: number;
}

/** A body in PL/pgSQL: every statement and expression in it counts as run, whichever branch it stands in. */
export function readPlpgsql(context: Context, statement: string, body: string): void {
  // "#option dump" and its like are instructions to the compiler, for its developers.
  if (body.includes("#option")) {
    context.opaque("unreadable-language", "a PL/pgSQL body with #option");
    return;
  }
  const parsed = parsePlpgsql(statement);
  if (!parsed.ok) {
    context.opaque(
      parsed.failure.kind === "too-large" ? "too-large" : "unparseable",
      `PL/pgSQL: ${parsed.failure.message}`,
    );
    return;
  }
  const firstLine = lineOfBody(context, statement, body);
  const outer = context.statement;
  const queries: string[] = [];
  let hasAction = false;
  let hasRecord = false;
  walk(parsed.value, (type, value) => {
    if (typeof value.lineno === "number" && type.startsWith("PLpgSQL_stmt") && firstLine !== null) {
      const line = firstLine + value.lineno - 1;
      context.statement = { ...outer, location: { path: outer.location.path, line } };
    }
    if (type === "PLpgSQL_function") hasAction = value.action !== undefined;
    if (type === "PLpgSQL_rec" && typeName(value) !== null && typeName(value) !== "record") hasRecord = true;
    const dynamic = dynamicQuery(type, value);
    if (dynamic) readDynamic(context, dynamic);
    if (type === "PLpgSQL_expr") {
      const expression = { query: String(value.query), parseMode: Number(value.parseMode) };
      queries.push(expression.query);
      readExpression(context, expression);
    }
    return true;
  });
  if (!hasAction) context.opaque("unreadable-language", "a PL/pgSQL body that the parser does not show");
  // libpg_query leaves out the default of a variable whose type it does not know.
  if (hasRecord) reportHiddenCalls(context, body, queries);
  context.statement = outer;
}

function lineOfBody(context: Context, statement: string, body: string): number | null {
  const start = context.depth === 1 ? statement.indexOf(body) : -1;
  if (start === -1 || !context.statement.text.includes(body)) return null;
  const before = context.statement.text.slice(0, context.statement.text.indexOf(body));
  return context.statement.location.line + before.split(/\r\n|\r|\n/).length - 1;
}

function typeName(value: Record<string, unknown>): string | null {
  let name: string | null = null;
  walk(value.datatype, (type, found) => {
    if (type === "PLpgSQL_type") name = String(found.typname);
    return true;
  });
  return name;
}

/** EXECUTE, FOR … IN EXECUTE, RETURN QUERY EXECUTE, OPEN … FOR EXECUTE. */
function dynamicQuery(type: string, value: Record<string, unknown>): string | null {
  const field = type === "PLpgSQL_stmt_dynexecute" || type === "PLpgSQL_stmt_dynfors" ? value.query : value.dynquery;
  let query: string | null = null;
  walk(field, (kind, found) => {
    if (kind === "PLpgSQL_expr" && query === null) query = String(found.query);
    return true;
  });
  return query;
}

function readDynamic(context: Context, query: string): void {
  const parsed = parseSql(`SELECT ${query}`);
  const node = parsed.ok && parsed.value.length === 1 ? parsed.value[0]?.node : undefined;
  const targets = node && "SelectStmt" in node ? (node.SelectStmt.targetList ?? []) : [];
  const only = targets.length === 1 ? targets[0] : undefined;
  const text = only && "ResTarget" in only ? constantString(only.ResTarget.val) : null;
  if (text === null) context.opaque("dynamic-sql", "EXECUTE of a string that is put together at run time");
  else readSql(context, text);
}

function readExpression(context: Context, { query, parseMode }: Expression): void {
  if (parseMode === 0) {
    readSql(context, query);
    return;
  }
  const text = parseMode === 2 ? `SELECT ${query}` : assignmentAsSelect(query);
  const parsed = text === null ? null : parseSql(text);
  if (parsed?.ok) for (const { node } of parsed.value) reportFacts(context, node);
  else context.opaque("unparseable", `an expression in PL/pgSQL that cannot be read: ${query}`);
}

/** "x[f()] := g()" → "SELECT x[f()] , g()". */
function assignmentAsSelect(query: string): string | null {
  const scanned = scanSql(query);
  if (!scanned.ok) return null;
  const assign = scanned.value.find(({ text }) => text === ":=" || text === "=");
  if (!assign) return null;
  const bytes = new TextEncoder().encode(query);
  const decoder = new TextDecoder();
  return `SELECT ${decoder.decode(bytes.subarray(0, assign.start))} , ${decoder.decode(bytes.subarray(assign.end))}`;
}

/** Calls in the body that no expression shows. */
function reportHiddenCalls(context: Context, body: string, queries: readonly string[]): void {
  const shown = new Map<string, number>();
  for (const query of queries) for (const name of callNames(query)) shown.set(name, (shown.get(name) ?? 0) + 1);
  for (const name of callNames(body)) {
    const left = shown.get(name) ?? 0;
    if (left > 0) shown.set(name, left - 1);
    else reportCall(context, nameFrom(name.split(".")), []);
  }
}

function callNames(text: string): string[] {
  const scanned = scanSql(text);
  if (!scanned.ok) return [];
  const tokens: readonly Token[] = scanned.value.filter(({ name }) => name !== "SQL_COMMENT" && name !== "C_COMMENT");
  const names: string[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.name !== "IDENT" || tokens[index + 1]?.text !== "(") continue;
    const qualified = tokens[index - 1]?.text === "." ? `${tokens[index - 2]?.text ?? ""}.${token.text}` : token.text;
    const parsed = parseSql(`SELECT ${qualified}()`);
    const node = parsed.ok ? parsed.value[0]?.node : undefined;
    walk(node, (type, value) => {
      // A FuncCall's name is a list of String nodes.
      if (type === "FuncCall") names.push(strings(value.funcname as Parameters<typeof strings>[0]).join("."));
      return true;
    });
  }
  return names;
}

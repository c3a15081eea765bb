import type { Node } from "@pgsql/types";
import { parseSql, scanSql, type Token } from "../../core/sql/grammar.ts";
import { queryOf } from "../../core/sql/read-query.ts";
import { explainedStatementName } from "../../core/workload/query-text.ts";

export type StatementText = { text: string } | "no-query-plan" | "unreadable";

/**
 * The text of a statement as it may leave the server. Statements without a query plan are left out, whatever they hold: PostgreSQL
 * does not replace the constants of utility statements (ALTER ROLE … PASSWORD 'x'), and sometimes those of others neither. So, unless
 * all values are allowed, constants become parameters here, comments go (except hints, which plans depend on), and a text in
 * which a quoted constant is left is unreadable.
 */
export function statementText(text: string, allowValues: boolean): StatementText {
  const statement = text.includes("\0") ? null : readOne(text);
  if (statement === null) return "unreadable";
  if (statement.node === null || isExplained(statement.node) || queryOf(statement.node) === undefined) {
    return "no-query-plan";
  }
  return allowValues ? { text: statement.text } : withoutValues(statement.text, statement.node);
}

interface Statement {
  text: string;
  /** null: there is nothing but comments. */
  node: Node | null;
}

/**
 * A statement, or what PL/pgSQL runs for an expression ("a > (SELECT …)") or an assignment ("total := (SELECT …)"): PostgreSQL
 * records these as they stand in the function, and plans them as a SELECT of the expression.
 */
function readOne(text: string): Statement | null {
  for (const candidate of [text, `SELECT ${text}`, assigned(text)]) {
    const parsed = candidate === null ? null : parseSql(candidate);
    if (candidate === null || !parsed?.ok) continue;
    const [statement, ...more] = parsed.value;
    return more.length > 0 ? null : { text: candidate, node: statement?.node ?? null };
  }
  return null;
}

function assigned(text: string): string | null {
  const scanned = scanSql(text);
  const sign = scanned.ok ? scanned.value.find((token) => token.text === ":=") : undefined;
  return sign === undefined ? null : `SELECT ${Buffer.from(text, "utf8").toString("utf8", sign.end).trim()}`;
}

/** A person's EXPLAIN, or plangate's own. */
function isExplained(node: Node): boolean {
  return "ExplainStmt" in node || ("PrepareStmt" in node && node.PrepareStmt.name === explainedStatementName);
}

const comments = new Set(["SQL_COMMENT", "C_COMMENT"]);

function withoutValues(text: string, node: Node): StatementText {
  const scanned = scanSql(text);
  if (!scanned.ok) return "unreadable";
  const { constants, highestParameter } = constantsOf(node);
  const bytes = Buffer.from(text, "utf8");
  let parameter = highestParameter;
  let result = "";
  let end = 0;
  for (const [position, token] of scanned.value.entries()) {
    if (token.start < end) continue;
    if (constants.has(token.start)) {
      // A negative number begins at its sign.
      const last = token.text === "-" ? scanned.value[position + 1] : token;
      result += `${bytes.toString("utf8", end, token.start)}$${++parameter}`;
      end = last?.end ?? token.end;
    } else if (comments.has(token.name) && !isKept(token.text)) {
      result += `${bytes.toString("utf8", end, token.start)} `;
      end = token.end;
    } else if (isQuotedConstant(token)) {
      return "unreadable";
    }
  }
  return { text: (result + bytes.toString("utf8", end)).trim() };
}

/** A hint for the planner, and what PostgreSQL 18 writes for the rest of a list. */
function isKept(comment: string): boolean {
  return comment.startsWith("/*+") || comment === "/*, ... */";
}

/** The scanner has no name for bit strings. */
function isQuotedConstant({ name, text }: Token): boolean {
  return name === "SCONST" || (text.includes("'") && name !== "IDENT" && !comments.has(name));
}

function constantsOf(node: Node): { constants: ReadonlySet<number>; highestParameter: number } {
  const constants = new Set<number>();
  let highestParameter = 0;
  const stack: unknown[] = [node];
  while (stack.length > 0) {
    const value = stack.pop();
    if (typeof value !== "object" || value === null) continue;
    for (const [key, child] of Object.entries(value)) {
      // The 20 of varchar(20) belongs to the type.
      if (key === "typmods") continue;
      if (key === "A_Const" && isLocated(child) && !isKeyword(child)) constants.add(child.location);
      if (key === "ParamRef" && isNumbered(child)) highestParameter = Math.max(highestParameter, child.number);
      stack.push(child);
    }
  }
  return { constants, highestParameter };
}

/** TRUE, FALSE and NULL. */
function isKeyword(constant: object): boolean {
  return "boolval" in constant || "isnull" in constant;
}

function isLocated(value: unknown): value is { location: number } {
  return typeof value === "object" && value !== null && "location" in value && typeof value.location === "number";
}

function isNumbered(value: unknown): value is { number: number } {
  return typeof value === "object" && value !== null && "number" in value && typeof value.number === "number";
}

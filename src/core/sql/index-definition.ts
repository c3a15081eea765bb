import type { IndexElem, IndexStmt, Node } from "@pgsql/types";
import type { CatalogIndex, CatalogIndexKey } from "../catalog/catalog.ts";
import { nameFrom, strings } from "./ast.ts";
import { scanSql, type Token } from "./grammar.ts";
import { indexColumnNames } from "./index-names.ts";

interface Pieces {
  expressions: (string | null)[];
  predicate: string | null;
}

/** An index definition without its name, schema and table. Expressions and predicate as written, with single blanks. */
export function definitionOf(
  statement: IndexStmt,
  text: string,
): { row: Omit<CatalogIndex, "schema" | "name" | "table">; columns: string[] } {
  const elements = indexElements(statement.indexParams);
  const needsText = statement.whereClause !== undefined || elements.some(({ expr }) => expr !== undefined);
  const pieces = needsText ? readPieces(text) : { expressions: [], predicate: null };
  const keys = elements.map((element, position) => keyOf(element, pieces.expressions[position] ?? null));
  const include = indexElements(statement.indexIncludingParams).flatMap(({ name }) => (name ? [name] : []));
  return {
    row: {
      method: statement.accessMethod ?? "btree",
      keys: keys.length > 0 ? keys : [{ expression: "?", order: "asc" }],
      include,
      predicate: statement.whereClause ? (pieces.predicate ?? "?") : null,
      unique: statement.unique ?? false,
      nullsNotDistinct: statement.nulls_not_distinct ?? false,
      primary: false,
      exclusion: false,
      valid: true,
      clustered: false,
      replicaIdentity: false,
    },
    columns: indexColumnNames([
      ...elements.map(({ name, expr }) => ({ column: name ?? null, expression: expr ?? null })),
      ...include.map((column) => ({ column, expression: null })),
    ]),
  };
}

export function indexElements(nodes: readonly Node[] | undefined): IndexElem[] {
  return (nodes ?? []).flatMap((node) => ("IndexElem" in node ? [node.IndexElem] : []));
}

export function keyOf(element: IndexElem, expression: string | null): CatalogIndexKey {
  const operatorClass = strings(element.opclass);
  const collation = strings(element.collation);
  const nulls = element.nulls_ordering;
  return {
    ...(element.name ? { column: element.name } : { expression: expression ?? "?" }),
    ...(operatorClass.length > 0 && { operatorClass: nameFrom(operatorClass).name }),
    ...(collation.length > 0 && { collation: nameFrom(collation).name }),
    order: element.ordering === "SORTBY_DESC" ? "desc" : "asc",
    ...(nulls === "SORTBY_NULLS_FIRST" && { nulls: "first" as const }),
    ...(nulls === "SORTBY_NULLS_LAST" && { nulls: "last" as const }),
  };
}

/** The expressions between the first parentheses, and what follows WHERE. */
function readPieces(text: string): Pieces {
  const scanned = scanSql(text);
  if (!scanned.ok) return { expressions: [], predicate: null };
  const tokens = scanned.value.filter(({ name }) => name !== "SQL_COMMENT" && name !== "C_COMMENT");
  const open = tokens.findIndex(({ text: symbol }) => symbol === "(");
  const expressions: (string | null)[] = [];
  let position = open + 1;
  for (let depth = 1, start = position; open !== -1 && position < tokens.length && depth > 0; position += 1) {
    const symbol = tokens[position]?.text;
    if (symbol === "(") depth += 1;
    if (symbol === ")") depth -= 1;
    if ((symbol === "," && depth === 1) || depth === 0) {
      expressions.push(expressionIn(tokens.slice(start, position)));
      start = position + 1;
    }
  }
  let depth = 0;
  const where = tokens.findIndex(({ text: symbol, keyword }, index) => {
    if (symbol === "(") depth += 1;
    if (symbol === ")") depth -= 1;
    return index >= position && depth === 0 && keyword && symbol.toLowerCase() === "where";
  });
  return { expressions, predicate: where === -1 ? null : join(stripParentheses(tokens.slice(where + 1))) };
}

/** "lower(email) text_pattern_ops DESC" → "lower(email)"; "(a + b) COLLATE x" → "a + b"; a plain column → null. */
function expressionIn(tokens: readonly Token[]): string | null {
  const open = tokens.findIndex(({ text }) => text === "(");
  if (open === -1) return null;
  let depth = 0;
  const close = tokens.findIndex(({ text }, index) => {
    if (index < open) return false;
    if (text === "(") depth += 1;
    if (text === ")") depth -= 1;
    return depth === 0;
  });
  return join(stripParentheses(tokens.slice(0, close + 1)));
}

/** "((a))" → "a", "(a) + (b)" as it is. One pass, since parentheses can nest by the thousand. */
function stripParentheses(tokens: readonly Token[]): readonly Token[] {
  const partner = new Map<number, number>();
  const open: number[] = [];
  for (const [index, { text }] of tokens.entries()) {
    if (text === "(") open.push(index);
    const opened = text === ")" ? open.pop() : undefined;
    if (opened !== undefined) partner.set(opened, index);
  }
  let outer = 0;
  while (partner.get(outer) === tokens.length - 1 - outer) outer += 1;
  return tokens.slice(outer, tokens.length - outer);
}

function join(tokens: readonly Token[]): string {
  let joined = "";
  let previous = "";
  for (const { text, keyword, name } of tokens) {
    const word = keyword || (name === "IDENT" && !text.startsWith('"')) ? text.toLowerCase() : text;
    const tight =
      joined === "" ||
      [")", ",", "]", "::", ".", "["].includes(word) ||
      ["(", "::", ".", "["].includes(previous) ||
      (word === "(" && /[\w"]$/.test(previous) && !reserved.has(previous));
    joined += tight ? word : ` ${word}`;
    previous = word;
  }
  return joined;
}

/** Words before a parenthesis that is not an argument list. */
const reserved = new Set([
  "and",
  "or",
  "not",
  "in",
  "is",
  "like",
  "ilike",
  "any",
  "all",
  "some",
  "case",
  "when",
  "then",
  "else",
  "between",
]);

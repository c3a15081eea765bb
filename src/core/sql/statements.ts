import type { Node } from "@pgsql/types";
import { nodeType } from "./ast.ts";
import { reportFacts } from "./calls.ts";
import type { Context } from "./context.ts";
import { factsOf } from "./facts.ts";
import { parseSql } from "./grammar.ts";
import { runTriggers } from "./routines.ts";
import { handlers, type StatementType } from "./statement-handlers.ts";

const decoder = new TextDecoder();

/** SQL text inside a routine, or a constant string that is executed. */
export function readSql(context: Context, text: string): void {
  const bytes = new TextEncoder().encode(text);
  const parsed = text.includes("\0") ? null : parseSql(bytes);
  if (!parsed?.ok) {
    const tooLarge = parsed?.failure.kind === "too-large";
    context.opaque(
      tooLarge ? "too-large" : "unparseable",
      `SQL in a routine: ${parsed?.failure.message ?? "a NUL character"}`,
    );
    return;
  }
  for (const { node, start, length } of parsed.value) {
    readNode(context, node, decoder.decode(bytes.subarray(start, length === null ? undefined : start + length)));
  }
}

/** Statements whose expressions are not evaluated now, or which look at theirs themselves. */
const readsOwnFacts = new Set<string>(["CreateFunctionStmt", "ExplainStmt", "CreateSchemaStmt", "DoStmt"]);

/** One statement: what it calls and writes, then what it is. */
export function readNode(context: Context, node: Node, text: string): void {
  const type = nodeType(node);
  const firstChange = context.changes.length;
  // Every key of `handlers` is a statement type, and the type names the value's shape.
  const handler = Object.hasOwn(handlers, type) ? handlers[type as StatementType] : undefined;
  if (!handler) {
    context.opaque("unknown-statement", `a statement of a kind that is not known here (${type})`);
    return;
  }
  if (!readsOwnFacts.has(type)) reportFacts(context, node);
  (handler as (context: Context, value: unknown, text: string) => void)(context, Object.values(node)[0], text);
  if (context.routines.byName.size > 0) runTriggers(context, firstChange, type === "SelectStmt" && factsOf(node).reads);
}

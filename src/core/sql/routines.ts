import type { AlterFunctionStmt, CreateFunctionStmt, DoStmt, Node } from "@pgsql/types";
import type { ObjectName } from "../values.ts";
import { nameFrom, strings, typeNameOf } from "./ast.ts";
import { reportFacts } from "./calls.ts";
import type { Context } from "./context.ts";
import { getOrCreate } from "./name-map.ts";
import { readPlpgsql } from "./plpgsql.ts";
import type { Routine, RoutineBody } from "./routine-book.ts";
import { refuseOtherReading } from "./settings.ts";
import { readNode, readSql } from "./statements.ts";

const maxDepth = 16;
const maxReadings = 2_000;

/** DO runs at once. Its default language is PL/pgSQL. */
export function runDo(context: Context, statement: DoStmt, text: string): void {
  const options = optionsOf(statement.args);
  const language = options.language ?? "plpgsql";
  if (language !== "plpgsql") {
    context.opaque("unreadable-language", `DO in the language ${language}`);
    return;
  }
  inRoutine(context, () => readPlpgsql(context, text, options.body ?? ""));
}

/** CREATE FUNCTION and PROCEDURE have no effect until the routine is called; see `readRoutine`. */
export function createRoutine(context: Context, statement: CreateFunctionStmt, text: string): void {
  const name = nameFrom(strings(statement.funcname));
  context.schema(statement.is_procedure ? "create procedure" : "create function");
  reportFacts(context, statement.parameters, false);
  const setsSearchPath = checkSettings(context, statement.options);
  const body = bodyOf(context, statement, text);
  if (body === null) return;
  const returned = typeNameOf(statement.returnType).name;
  const existing = context.state.catalog?.functions;
  const routine: Routine = {
    name,
    body,
    returns: returned === "trigger" ? "trigger" : returned === "event_trigger" ? "event-trigger" : "value",
    replaces:
      (statement.replace ?? false) && (existing === undefined || existing.some((row) => row.name === name.name)),
    setsSearchPath,
    readAt: -1,
    reading: false,
  };
  getOrCreate(context.routines.byName, name.name, () => []).push(routine);
}

/** CREATE FUNCTION … SET: does its body see another search_path? A setting that changes how the body is read is opaque. */
function checkSettings(context: Context, options: readonly Node[] | undefined): boolean {
  let searchPath = false;
  for (const option of options ?? []) {
    const set = "DefElem" in option && option.DefElem.defname === "set" ? option.DefElem.arg : undefined;
    if (!set || !("VariableSetStmt" in set)) continue;
    if (set.VariableSetStmt.name?.toLowerCase() === "search_path") searchPath = true;
    refuseOtherReading(context, set.VariableSetStmt);
  }
  return searchPath;
}

/** ALTER FUNCTION … SET, as above. */
export function alterRoutine(context: Context, statement: AlterFunctionStmt): void {
  context.schema("alter function");
  if (!checkSettings(context, statement.actions)) return;
  const name = nameFrom(strings(statement.func?.objname));
  for (const routine of routinesNamed(context, name)) {
    routine.setsSearchPath = true;
    routine.readAt = -1;
  }
}

function bodyOf(context: Context, statement: CreateFunctionStmt, text: string): RoutineBody | null {
  const options = optionsOf(statement.options);
  if (statement.sql_body) {
    const nodes = "List" in statement.sql_body ? (statement.sql_body.List.items ?? []) : [statement.sql_body];
    return {
      language: "sql",
      statements: nodes.flatMap((node) => ("List" in node ? (node.List.items ?? []) : [node])),
    };
  }
  // SQL is what PostgreSQL takes where no language is written.
  const language = options.language ?? "sql";
  if (language === "sql") return { language, text: options.body ?? "" };
  if (language === "plpgsql") return { language, statement: text, text: options.body ?? "" };
  context.opaque("unreadable-language", `a routine in the language ${language}`);
  return null;
}

function optionsOf(nodes: readonly Node[] | undefined): { language: string | null; body: string | null } {
  let language: string | null = null;
  let body: string | null = null;
  for (const node of nodes ?? []) {
    if (!("DefElem" in node)) continue;
    const { defname, arg } = node.DefElem;
    if (defname === "language" && arg && "String" in arg) language = arg.String.sval ?? "";
    if (defname === "as" && arg) body = "List" in arg ? strings(arg.List.items).join("\n") : strings([arg]).join("\n");
  }
  return { language, body };
}

/** Routines of this request that a call by this name can mean. */
export function routinesNamed(context: Context, name: ObjectName): readonly Routine[] {
  const routines = context.routines.byName.get(name.name) ?? [];
  return routines.filter(
    (routine) => name.schema === null || routine.name.schema === null || routine.name.schema === name.schema,
  );
}

/** The routine is called: what its body does counts, with names as they are now. */
export function readRoutine(context: Context, routine: Routine): void {
  if (routine.reading || routine.readAt === context.state.version) return;
  context.routines.readings += 1;
  if (context.routines.readings > maxReadings) {
    context.opaque("too-large", "too many calls of routines that this request creates");
    return;
  }
  routine.reading = true;
  inRoutine(context, () => {
    if (routine.setsSearchPath) context.path.forget();
    const { body } = routine;
    if (body.language === "plpgsql") readPlpgsql(context, body.statement, body.text);
    else if ("text" in body) readSql(context, body.text);
    else for (const node of body.statements) readNode(context, node, "");
  });
  routine.reading = false;
  routine.readAt = context.state.version;
}

function inRoutine(context: Context, read: () => void): void {
  if (context.depth >= maxDepth) {
    context.opaque("too-large", "routines and DO blocks are nested too deeply");
    return;
  }
  const saved = context.path.save();
  const { statement } = context;
  context.depth += 1;
  // A routine always runs in a transaction block.
  context.statement = { ...statement, inTransaction: true };
  read();
  context.depth -= 1;
  context.statement = statement;
  context.path.rejoin(saved);
}

/** DDL that evaluates defaults, checks and index expressions over the rows of a table. */
const evaluatingDdl = new Set([
  "add column",
  "add constraint",
  "validate constraint",
  "attach partition",
  "reindex",
  "cluster",
  "vacuum full",
  "set expression",
]);

/** After a statement: DML runs trigger functions and whatever may call a replaced function; DDL runs event triggers. */
export function runTriggers(context: Context, firstChange: number, reads: boolean): void {
  if (context.routines.byName.size === 0 || context.depth > 0) return;
  let data = false;
  let schema = false;
  let evaluates = reads;
  for (let index = firstChange; index < context.changes.length; index += 1) {
    const change = context.changes[index];
    if (change === undefined || change.kind === "opaque") continue;
    if (change.kind === "data") data = true;
    else schema = true;
    evaluates ||= change.kind !== "schema" || evaluatingDdl.has(change.operation);
  }
  if (!data && !schema && !reads) return;
  for (const routines of context.routines.byName.values()) {
    for (const routine of routines) {
      const called =
        (data && routine.returns === "trigger") ||
        (schema && routine.returns === "event-trigger") ||
        (evaluates && routine.replaces);
      if (called) readRoutine(context, routine);
    }
  }
}

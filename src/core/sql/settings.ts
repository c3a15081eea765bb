import type { AlterDatabaseSetStmt, AlterRoleSetStmt, VariableSetStmt } from "@pgsql/types";
import { constantString } from "./ast.ts";
import { changesReading } from "./calls.ts";
import type { Context } from "./context.ts";

/** SET, SET LOCAL and RESET: search_path is followed; settings that change how SQL is read make what follows opaque. */
export function setVariable(context: Context, statement: VariableSetStmt): void {
  const name = statement.name?.toLowerCase() ?? "";
  const local = statement.is_local ?? false;
  if (statement.kind === "VAR_RESET_ALL") setPath(context, null, local);
  else if (name === "search_path") setPath(context, pathOf(statement), local);
  else refuseOtherReading(context, statement);
}

export function refuseOtherReading(context: Context, statement: VariableSetStmt): void {
  const name = statement.name?.toLowerCase() ?? "";
  if (changesReading(name) && !keepsReading(statement)) {
    context.opaque("dynamic-sql", `SET ${name}, which changes how the SQL after it is read`);
  }
}

/** undefined: not known. */
function pathOf(statement: VariableSetStmt): string[] | null | undefined {
  if (statement.kind !== "VAR_SET_VALUE") return statement.kind === "VAR_SET_CURRENT" ? undefined : null;
  const names = (statement.args ?? []).map((node) => constantString(node));
  return names.every((name) => name !== null) ? names : undefined;
}

/** SET LOCAL lasts until the transaction's end, and does nothing outside of one; a branch may not be taken. */
function setPath(context: Context, path: readonly string[] | null | undefined, local: boolean): void {
  if (path === undefined) context.path.forget();
  else if (local || context.uncertain) context.path.maybe(path);
  else context.path.set(path);
}

function keepsReading(statement: VariableSetStmt): boolean {
  if (statement.kind !== "VAR_SET_VALUE") return true;
  const value = constantString(statement.args?.[0])?.toLowerCase();
  return value === "on" || value === "utf8" || value === "utf-8" || value === "unicode" || value === "safe_encoding";
}

/**
 * Settings with which every index can stay and none be used, or a library be run. Those that only size memory or time are left to whoever
 * sets them (PostgreSQL docs, "Planner Method Configuration", "Planner Cost Constants", "Shared Library Preloading").
 */
function changesEveryPlan(name: string): boolean {
  return name.startsWith("enable_") || name.endsWith("_cost") || name.endsWith("_preload_libraries");
}

/** ALTER ROLE / DATABASE … SET: for sessions that begin later, such as the next file's. */
export function setForLater(context: Context, statement: AlterRoleSetStmt | AlterDatabaseSetStmt, words: string): void {
  const name = statement.setstmt?.name?.toLowerCase() ?? "";
  context.schema(words);
  if (name === "search_path" || statement.setstmt?.kind === "VAR_RESET_ALL") context.path.forget();
  if (changesEveryPlan(name)) context.opaque("program", `${words} ${name}, which changes the plans of every query`);
  if (statement.setstmt) refuseOtherReading(context, statement.setstmt);
}

import type { Node } from "@pgsql/types";
import type { ObjectName } from "../values.ts";
import { constantString } from "./ast.ts";
import type { Context } from "./context.ts";
import { createTableAs } from "./create-table.ts";
import { factsOf, isCatalogue } from "./facts.ts";
import { harmlessFunctions } from "./harmless-functions.ts";
import { readRoutine, routinesNamed } from "./routines.ts";
import { splitSearchPath } from "./search-path.ts";

/** Settings that change how PostgreSQL reads the text after them, and so what the grammar here would misread. */
const readingSettings = new Set(["standard_conforming_strings", "client_encoding", "names", "backslash_quote"]);

/** Reports what a statement's expressions call and what it writes. `runs`: false where it is only planned or stored. */
export function reportFacts(context: Context, root: unknown, runs = true): void {
  const facts = factsOf(root);
  for (const call of facts.calls) reportCall(context, call.name, call.arguments);
  if (context.routines.byName.size > 0) {
    for (const name of facts.fields) {
      for (const routine of routinesNamed(context, { schema: null, name })) readRoutine(context, routine);
    }
  }
  for (const operator of facts.operators) {
    const name = `${operator.schema}.${operator.name}`;
    context.opaque("function-call", `the operator ${name}, which is not one of PostgreSQL's own`, name);
  }
  if (!runs) return;
  for (const { into } of facts.selectsInto) createTableAs(context, into, undefined, false, false);
  for (const { operation, target } of facts.writes) {
    if (isCatalogue(target) || context.catalogueViews.has(target.name)) {
      context.opaque("catalogue-write", `${operation} of the system catalogue ${target.name}`);
      continue;
    }
    const tables = context.tables(target);
    context.data(operation, tables);
    for (const trigger of context.routines.foreignTriggers) {
      const called = tables.some(
        (table) =>
          table.name === trigger.table.name &&
          (table.schema === null || trigger.table.schema === null || table.schema === trigger.table.schema),
      );
      if (called) reportUnknownCall(context, trigger.functionName);
    }
  }
}

export function reportCall(context: Context, name: ObjectName, args: readonly Node[]): void {
  const routines = routinesNamed(context, name);
  for (const routine of routines) readRoutine(context, routine);
  const builtIn = name.schema === "pg_catalog" || name.schema === null;
  if (builtIn && name.name === "set_config") {
    setConfig(context, args);
    return;
  }
  if (builtIn && harmlessFunctions.has(name.name)) return;
  const existing = context.state.catalog?.functions?.some(
    (row) => row.name === name.name && (name.schema === null || row.schema === name.schema),
  );
  const replaced = routines.length > 0 && routines.every((routine) => routine.replaces);
  if (routines.length > 0 && (replaced || !existing)) return;
  reportUnknownCall(context, name.schema === null ? name.name : `${name.schema}.${name.name}`);
}

function reportUnknownCall(context: Context, name: string): void {
  context.opaque("function-call", `a call of ${name}(), which is not one of PostgreSQL's own harmless functions`, name);
}

/** set_config(name, value, is_local): search_path is followed, harmless settings pass. */
function setConfig(context: Context, args: readonly Node[]): void {
  const setting = constantString(args[0])?.toLowerCase() ?? null;
  if (setting === null) {
    context.opaque("function-call", "set_config() of a setting that is chosen at run time", "set_config");
  } else if (setting === "search_path") {
    const value = constantString(args[1]);
    const path = value === null ? null : splitSearchPath(value);
    // A query may not come to evaluate it, so it is only a possibility.
    if (path === null) context.path.forget();
    else context.path.maybe(path);
  } else if (readingSettings.has(setting) && constantString(args[1])?.toLowerCase() !== "on") {
    context.opaque("dynamic-sql", `set_config() of ${setting}, which changes how the SQL after it is read`);
  }
}

export function changesReading(setting: string): boolean {
  return readingSettings.has(setting);
}

import type {
  CopyStmt,
  CreateEventTrigStmt,
  CreateSchemaStmt,
  CreateTrigStmt,
  DefElem,
  ExecuteStmt,
  ExplainStmt,
  ReindexStmt,
  TruncateStmt,
  VacuumStmt,
} from "@pgsql/types";
import { nameFrom, rangeVarName, strings, walk } from "./ast.ts";
import { reportCall, reportFacts } from "./calls.ts";
import type { Context } from "./context.ts";
import { isCatalogue } from "./facts.ts";
import { harmlessFunctions } from "./harmless-functions.ts";
import { readRoutine, routinesNamed } from "./routines.ts";
import { readNode } from "./statements.ts";

/** EXPLAIN ANALYZE runs its statement; without ANALYZE it is planned, which still evaluates immutable functions. */
export function explain(context: Context, statement: ExplainStmt, text: string): void {
  const options = (statement.options ?? []).flatMap((node) => ("DefElem" in node ? [node.DefElem] : []));
  const runs = options.some((option) => option.defname?.toLowerCase() === "analyze" && isTrue(option));
  if (!statement.query) return;
  if (runs) readNode(context, statement.query, text);
  else reportFacts(context, statement.query, false);
}

function isTrue({ arg }: DefElem): boolean {
  if (!arg) return true;
  if ("String" in arg) return !["false", "off", "0", "no"].includes(arg.String.sval?.toLowerCase() ?? "");
  if ("Integer" in arg) return (arg.Integer.ival ?? 0) !== 0;
  if ("Boolean" in arg) return arg.Boolean.boolval ?? false;
  return true;
}

/** A prepared statement can only be a query or DML; what it does was reported by its PREPARE. */
export function executePrepared(context: Context, statement: ExecuteStmt): void {
  const name = statement.name ?? "";
  if (context.routines.prepared.has(name)) context.data("other");
  else context.opaque("dynamic-sql", `EXECUTE of ${name}, which this request does not PREPARE`);
}

/** COPY … FROM STDIN: psql takes the lines that follow as rows, the grammar takes them as SQL, and so each can hide from the other. */
export function copy(context: Context, statement: CopyStmt): void {
  const target = statement.relation ? rangeVarName(statement.relation) : null;
  if (statement.is_program) context.opaque("program", "COPY … PROGRAM runs a command on the server");
  else if (!statement.is_from) {
    if (statement.filename) context.opaque("program", "COPY … TO a file writes on the server");
  } else if (target && isCatalogue(target))
    context.opaque("catalogue-write", `COPY into the system catalogue ${target.name}`);
  else if (!statement.filename)
    context.opaque(
      "psql-meta-command",
      "COPY … FROM STDIN: psql takes the rows from the file, where SQL can be made to look like rows",
    );
  else if (target) context.data("copy", context.tables(target));
}

export function truncate(context: Context, statement: TruncateStmt): void {
  const names = (statement.relations ?? []).flatMap((node) =>
    "RangeVar" in node ? [rangeVarName(node.RangeVar)] : [],
  );
  if (names.some(isCatalogue)) context.opaque("catalogue-write", "TRUNCATE of a system catalogue");
  else context.data("truncate", context.tables(...names));
}

/** VACUUM FULL rewrites the table and its indexes under an exclusive lock. */
export function vacuum(context: Context, statement: VacuumStmt): void {
  const full = (statement.options ?? []).some(
    (node) => "DefElem" in node && node.DefElem.defname?.toLowerCase() === "full" && isTrue(node.DefElem),
  );
  const names = (statement.rels ?? []).flatMap((node) =>
    "VacuumRelation" in node && node.VacuumRelation.relation ? [rangeVarName(node.VacuumRelation.relation)] : [],
  );
  if (full) context.schema("vacuum full", context.tables(...names));
  else context.data("other", context.tables(...names));
}

/** The index is built again; its definition and counters stay. */
export function reindex(context: Context, statement: ReindexStmt): void {
  const name = statement.relation ? rangeVarName(statement.relation) : null;
  const indexes = name && statement.kind === "REINDEX_OBJECT_INDEX" ? context.indexes(name) : [];
  const tables = indexes.map((index) => index.relation.origin ?? index.relation.row);
  context.schema("reindex", context.tables(...(name && indexes.length === 0 ? [name] : tables)));
}

/** The elements of CREATE SCHEMA are created in it. */
export function createSchema(context: Context, statement: CreateSchemaStmt, text: string): void {
  const schema = statement.schemaname ?? statement.authrole?.rolename ?? "public";
  context.createdSchemas.add(schema);
  context.schema("create schema");
  const saved = context.path.save();
  context.path.maybe([schema, ...(saved.alternatives[0] ?? [])]);
  for (const element of statement.schemaElts ?? []) readNode(context, element, text);
  context.path.restore(saved);
}

/**
 * The function runs with the table's next DML, by whomever: what a function of this request would do then counts now, except
 * for its own DML. A function outside the request is remembered for DML in it.
 */
export function createTrigger(context: Context, statement: CreateTrigStmt): void {
  const table = rangeVarName(statement.relation);
  const name = nameFrom(strings(statement.funcname));
  const builtIn = name.schema === null || name.schema === "pg_catalog" ? builtInTriggers.has(name.name) : false;
  const routines = routinesNamed(context, name);
  const first = context.changes.length;
  for (const routine of routines) readRoutine(context, routine);
  const later = context.changes.splice(first).filter(({ kind }) => kind !== "data");
  context.changes.push(...later);
  if (!builtIn && routines.length === 0) {
    const written = name.schema === null ? name.name : `${name.schema}.${name.name}`;
    context.routines.foreignTriggers.push({ table: context.tables(table)[0] ?? table, functionName: written });
  }
  context.schema("create trigger", context.tables(table));
}

const builtInTriggers = new Set([
  "suppress_redundant_updates_trigger",
  "tsvector_update_trigger",
  "tsvector_update_trigger_column",
  "unique_key_recheck",
]);

/** It runs at the next DDL. */
export function createEventTrigger(context: Context, statement: CreateEventTrigStmt): void {
  context.schema("create event trigger");
  const name = nameFrom(strings(statement.funcname));
  if (routinesNamed(context, name).length === 0) reportCall(context, name, []);
}

/**
 * An operator, cast, aggregate, type or extension: what depends on it from now on is not in the catalogue. A function of this
 * request that it names may run wherever it is used, so it counts as called.
 */
export function createExtensionObject(context: Context, statement: unknown): void {
  walk(statement, (type, value) => {
    if (type === "String" && typeof value.sval === "string") callIfOurs(context, value.sval);
    return true;
  });
  walk({ Statement: statement }, (_, value) => {
    for (const field of Object.values(value)) if (typeof field === "string") context.movedObjects.add(field);
    return true;
  });
}

function callIfOurs(context: Context, name: string): void {
  if (harmlessFunctions.has(name)) return;
  for (const routine of routinesNamed(context, { schema: null, name })) readRoutine(context, routine);
}

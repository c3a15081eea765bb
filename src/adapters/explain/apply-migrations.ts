import { DatabaseError } from "pg";
import { z } from "zod";
import type { MigrationAnalysis, Statement } from "../../core/sql/change.ts";
import type { SourceLocation } from "../../core/values.ts";
import { ServerError } from "../servers/server-error.ts";
import type { Session } from "../servers/session.ts";

/** What must not run even on a clone, since it reaches beyond it, or cannot run since nobody can read it. */
const neverRun: ReadonlySet<string> = new Set([
  "remote-sql",
  "program",
  "unparseable",
  "nul-byte",
  "not-utf8",
  "psql-meta-command",
  "too-large",
  "missing-section",
]);

/** Throws where the migrations cannot be applied to a clone; nothing has been touched then. */
export function refuseUnrunnable({ changes }: MigrationAnalysis): void {
  for (const change of changes) {
    if (change.kind !== "opaque" || !neverRun.has(change.reason)) continue;
    const problem = `it is not applied to the clone: ${change.detail}`;
    throw new ServerError(
      "migration-not-applied",
      placeOf(change.statement.location),
      problem,
      "rewrite the statement",
    );
  }
}

/**
 * Applies the migrations as their format says: statement by statement, in a transaction per file where the tool opens one.
 * Throws ServerError that names file and line; the clone then holds part of them.
 * @returns tables that were rewritten, which have lost their statistics.
 */
export async function applyMigrations(clone: Session, { statements }: MigrationAnalysis): Promise<string[]> {
  const before = await filesOfTables(clone);
  for (const file of new Set(statements.map(({ migration }) => migration))) {
    await applyFile(
      clone,
      statements.filter(({ migration }) => migration === file),
    );
  }
  const after = await filesOfTables(clone);
  return [...after].flatMap(([oid, { name, file }]) => {
    const known = before.get(oid);
    return known === undefined || known.file === file ? [] : [name];
  });
}

async function applyFile(clone: Session, statements: readonly Statement[]): Promise<void> {
  const transaction = statements[0]?.inTransaction ?? false;
  if (transaction) await clone.run("BEGIN");
  for (const [index, statement] of statements.entries()) {
    try {
      await clone.run(statement.text);
      // What is left open at the end of a file is lost, as with every migration tool.
      if (index === statements.length - 1) await clone.run(transaction ? "COMMIT" : "ROLLBACK");
    } catch (cause) {
      if (cause instanceof ServerError) throw cause;
      throw failure(clone, statement, cause);
    }
  }
}

function failure(clone: Session, statement: Statement, cause: unknown): ServerError {
  const problem = `the migration fails on ${clone.server.label}: ${reasonOf(cause)}`;
  const help = "correct the migration, and give a new clone: this one may hold part of it";
  return new ServerError("migration-failed", placeOf(errorLocation(statement, cause)), problem, help, { cause });
}

/** Of data exceptions (SQLSTATE class 22), PostgreSQL's message quotes the value of a row. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof DatabaseError)) return "the statement failed";
  const message = cause.code?.startsWith("22") ? "the data of a row does not allow it" : cause.message;
  return `${message} (SQLSTATE ${cause.code})`;
}

/** PostgreSQL counts the characters of the statement, from 1. */
function errorLocation({ location, text }: Statement, cause: unknown): SourceLocation {
  const position = cause instanceof DatabaseError ? Number(cause.position ?? "1") : 1;
  const before = [...text].slice(0, position - 1).join("");
  return { path: location.path, line: location.line + before.split(/\r\n|\r|\n/).length - 1 };
}

function placeOf({ path, line }: SourceLocation): string {
  return `${path}:${line}`;
}

const fileRow = z.object({ oid: z.number(), name: z.string(), file: z.number() });

/** A table that is rewritten gets another file. Of a partition, the root is analysed. */
const files = `
  SELECT c.oid::int8::float8 AS oid, coalesce(pg_partition_root(c.oid), c.oid::regclass)::text AS name,
    c.relfilenode::int8::float8 AS file
  FROM pg_class c
  WHERE c.relkind IN ('r', 'm') AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`;

async function filesOfTables(clone: Session): Promise<Map<number, { name: string; file: number }>> {
  return new Map((await clone.rows(fileRow, files)).map(({ oid, name, file }) => [oid, { name, file }]));
}

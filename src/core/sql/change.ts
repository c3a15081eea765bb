import type { Catalog, CatalogIndex } from "../catalog/catalog.ts";
import type { ObjectName, SourceLocation } from "../values.ts";

export interface SqlComment {
  location: SourceLocation;
  /** Without the comment marks. */
  text: string;
}

/** One statement of a migration, as the real grammar delimits it. */
export interface Statement {
  /** Index of the migration in the request. */
  migration: number;
  /** Where its first token stands. */
  location: SourceLocation;
  endLine: number;
  /** The statement's text without its leading comments and final semicolon. */
  text: string;
  /** Comments between the previous statement and this one, and inside it. */
  comments: readonly SqlComment[];
  /** Runs inside a transaction block: its own BEGIN, or the one that the migration format wraps around the file. */
  inTransaction: boolean;
}

/** A table, view or materialized view that a statement names, followed through renames, SET SCHEMA and search_path. */
export interface TableReference extends ObjectName {
  /** Created earlier in the same request. */
  createdByRequest: boolean;
}

/** An index as it was before the request, so that evidence can be looked up by its name. */
export interface IndexReference extends ObjectName {
  table: ObjectName | null;
  /** Its definition in the catalogue; null where the catalogue does not have it. */
  definition: CatalogIndex | null;
  createdByRequest: boolean;
}

/** Why an index goes although no DROP INDEX names it. */
export interface ImplicitDrop {
  kind:
    | "table"
    | "column"
    | "constraint"
    | "schema"
    | "type"
    | "function"
    | "operator-class"
    | "extension"
    | "materialized-view"
    | "owned"
    | "other";
  /** The object whose drop takes the index with it, as a person reads it: "column orders.status". */
  object: string;
}

interface ChangeBase {
  statement: Statement;
  /** Tables that the change touches. */
  tables: readonly TableReference[];
  /**
   * True when it takes away or changes an index, a constraint, a column's type or a partition, so that queries which read
   * `tables` may get another query plan.
   */
  affectsQueryPlans: boolean;
}

export interface DropIndexChange extends ChangeBase {
  kind: "drop-index";
  index: IndexReference;
  /** null for DROP INDEX itself. */
  implicit: ImplicitDrop | null;
  concurrently: boolean;
  /** How many indexes the same DROP INDEX names (CONCURRENTLY refuses more than one). */
  indexesInStatement: number;
}

/** An object goes whose indexes the catalogue does not show, because it lacks the object or there is no catalogue. */
export interface DropUnknownIndexesChange extends ChangeBase {
  kind: "drop-unknown-indexes";
  implicit: ImplicitDrop;
}

export interface CreateIndexChange extends ChangeBase {
  kind: "create-index";
  /** As it will be; `name` is the generated one where the statement gives none. Also the index that an added constraint builds. */
  index: CatalogIndex;
  concurrently: boolean;
  ifNotExists: boolean;
  /** ON ONLY a partitioned table: nothing is built until indexes of the partitions are attached. */
  only: boolean;
  /** ADD CONSTRAINT … UNIQUE / PRIMARY KEY / EXCLUDE without USING INDEX. */
  constraint: string | null;
}

/** ALTER COLUMN TYPE: the indexes are rebuilt and their counters start again; nothing is dropped. */
export interface AlterColumnTypeChange extends ChangeBase {
  kind: "alter-column-type";
  column: string;
  rebuilds: readonly IndexReference[];
}

/** Any other DDL: `operation` in words, "create table", "add column", "rename table", "detach partition". */
export interface SchemaChange extends ChangeBase {
  kind: "schema";
  operation: string;
}

export interface DataChange extends ChangeBase {
  kind: "data";
  operation: "insert" | "update" | "delete" | "merge" | "copy" | "truncate" | "other";
}

export const opaqueReasons = [
  "unparseable",
  "nul-byte",
  "not-utf8",
  "psql-meta-command",
  "dynamic-sql",
  "unreadable-language",
  "function-call",
  "catalogue-write",
  "remote-sql",
  "program",
  "too-large",
  "unknown-statement",
  "missing-section",
] as const;
export type OpaqueReason = (typeof opaqueReasons)[number];

/** SQL that cannot be analysed. It counts as every kind of change. */
export interface OpaqueChange extends ChangeBase {
  kind: "opaque";
  reason: OpaqueReason;
  /** What exactly, for the message: "EXECUTE of a string that is put together at run time". */
  detail: string;
  /** For `function-call`: schema-qualified as far as written, lower case unless quoted; `allowFunctions` lists such names. */
  functionName: string | null;
}

export type Change =
  | DropIndexChange
  | DropUnknownIndexesChange
  | CreateIndexChange
  | AlterColumnTypeChange
  | SchemaChange
  | DataChange
  | OpaqueChange;

export interface MigrationAnalysis {
  statements: readonly Statement[];
  changes: readonly Change[];
  /** Every comment of the parts that are run. */
  comments: readonly SqlComment[];
  /** The catalogue after the migrations, as far as it was known before; null without a catalogue. */
  after: Catalog | null;
  /** Of the indexes in `after` that the migrations build: how many of `changes` came before. */
  builtAt: ReadonlyMap<CatalogIndex, number>;
}

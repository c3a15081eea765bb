import type { Node } from "@pgsql/types";
import { alterTable } from "./alter-table.ts";
import { rangeVarName } from "./ast.ts";
import type { Context } from "./context.ts";
import { createIndex } from "./create-index.ts";
import { createTable, createTableAs, createView } from "./create-table.ts";
import { dropObjects, dropOwned } from "./drop-statement.ts";
import {
  copy,
  createEventTrigger,
  createExtensionObject,
  createSchema,
  createTrigger,
  executePrepared,
  explain,
  reindex,
  truncate,
  vacuum,
} from "./other-statements.ts";
import { rename, setSchema } from "./rename.ts";
import { alterRoutine, createRoutine, runDo } from "./routines.ts";
import { setForLater, setVariable } from "./settings.ts";

type NodeKey = Node extends infer Member ? (Member extends Node ? keyof Member : never) : never;
/** Not statements of SQL text: what the server makes of them later, or PL/pgSQL's own. */
type Internal = "RawStmt" | "SetOperationStmt" | "PLAssignStmt" | "ReplicaIdentityStmt";
/** Every statement of the grammar; the compiler demands a handler for each. */
export type StatementType = Exclude<Extract<NodeKey, `${string}Stmt`>, Internal>;
type ValueOf<Key extends StatementType> = Extract<Node, Record<Key, unknown>>[Key];
type Handlers = { [Key in StatementType]: (context: Context, statement: ValueOf<Key>, text: string) => void };

/** DDL of which only the kind matters. */
const ddl = (operation: string) => (context: Context) => context.schema(operation);
/** Its expressions were looked at; it changes neither schema nor data. */
const nothing = () => {};

/** DDL that defines or moves something on which an index elsewhere can come to depend. */
const moves = (operation: string) => (context: Context, statement: unknown) => {
  createExtensionObject(context, statement);
  context.schema(operation);
};

export const handlers: Handlers = {
  // Data: what they write was reported with their expressions.
  InsertStmt: nothing,
  DeleteStmt: nothing,
  UpdateStmt: nothing,
  MergeStmt: nothing,
  SelectStmt: nothing,
  ReturnStmt: nothing,
  CallStmt: nothing,
  DeclareCursorStmt: nothing,
  PrepareStmt: (context, statement) => void context.routines.prepared.add(statement.name ?? ""),
  ExecuteStmt: executePrepared,
  ExplainStmt: explain,
  CopyStmt: copy,
  TruncateStmt: truncate,
  VacuumStmt: vacuum,
  LockStmt: (context) => context.data("other"),
  RefreshMatViewStmt: (context, statement) => context.data("other", context.tables(rangeVarName(statement.relation))),
  DoStmt: runDo,

  // The session: no change of schema or data.
  TransactionStmt: nothing,
  VariableSetStmt: setVariable,
  VariableShowStmt: nothing,
  ClosePortalStmt: nothing,
  FetchStmt: nothing,
  DeallocateStmt: nothing,
  DiscardStmt: (context) => context.path.maybe(null),
  ConstraintsSetStmt: nothing,
  NotifyStmt: nothing,
  ListenStmt: nothing,
  UnlistenStmt: nothing,
  CheckPointStmt: nothing,

  // Tables, indexes and views.
  CreateStmt: (context, statement) => createTable(context, statement),
  CreateForeignTableStmt: (context, statement) => createTable(context, statement.base ?? {}, true),
  CreateTableAsStmt: (context, statement) => {
    const materialized = statement.objtype === "OBJECT_MATVIEW";
    createTableAs(context, statement.into, statement.query, materialized, statement.if_not_exists ?? false);
    if (statement.query && "ExecuteStmt" in statement.query) executePrepared(context, statement.query.ExecuteStmt);
  },
  ViewStmt: (context, statement) => {
    createView(context, rangeVarName(statement.view), statement.query, statement.view?.relpersistence === "t");
  },
  AlterTableStmt: alterTable,
  AlterTableMoveAllStmt: ddl("move to another tablespace"),
  IndexStmt: createIndex,
  ReindexStmt: reindex,
  ClusterStmt: (context, statement) =>
    context.schema("cluster", statement.relation ? context.tables(rangeVarName(statement.relation)) : []),
  DropStmt: dropObjects,
  DropOwnedStmt: dropOwned,
  RenameStmt: rename,
  AlterObjectSchemaStmt: setSchema,
  AlterObjectDependsStmt: (context, statement) => {
    // The index goes with the extension from now on.
    createExtensionObject(context, { name: statement.extname });
    context.schema("depends on extension");
  },
  AlterOwnerStmt: ddl("change owner"),
  ReassignOwnedStmt: ddl("reassign owned"),
  CreateSchemaStmt: createSchema,
  CreateStatsStmt: ddl("create statistics"),
  AlterStatsStmt: ddl("alter statistics"),
  CommentStmt: ddl("comment"),
  SecLabelStmt: ddl("security label"),
  CreatePolicyStmt: ddl("create policy"),
  AlterPolicyStmt: ddl("alter policy"),
  CreateTrigStmt: createTrigger,
  CreateEventTrigStmt: createEventTrigger,
  AlterEventTrigStmt: ddl("alter event trigger"),
  RuleStmt: ddl("create rule"),
  CreateSeqStmt: ddl("create sequence"),
  AlterSeqStmt: ddl("alter sequence"),

  // Types, functions, operators, extensions.
  CreateFunctionStmt: createRoutine,
  AlterFunctionStmt: alterRoutine,
  CreateDomainStmt: moves("create domain"),
  AlterDomainStmt: ddl("alter domain"),
  CompositeTypeStmt: moves("create type"),
  CreateEnumStmt: moves("create type"),
  CreateRangeStmt: moves("create type"),
  AlterEnumStmt: ddl("alter type"),
  AlterTypeStmt: ddl("alter type"),
  DefineStmt: moves("create aggregate, operator, type, collation or text search object"),
  CreateOpClassStmt: moves("create operator class"),
  CreateOpFamilyStmt: moves("create operator family"),
  AlterOpFamilyStmt: ddl("alter operator family"),
  AlterOperatorStmt: ddl("alter operator"),
  AlterCollationStmt: ddl("alter collation"),
  CreateConversionStmt: ddl("create conversion"),
  CreateCastStmt: moves("create cast"),
  CreateTransformStmt: moves("create transform"),
  CreatePLangStmt: ddl("create language"),
  CreateAmStmt: ddl("create access method"),
  CreateExtensionStmt: moves("create extension"),
  AlterExtensionStmt: moves("alter extension"),
  AlterExtensionContentsStmt: moves("alter extension"),
  AlterTSDictionaryStmt: ddl("alter text search dictionary"),
  AlterTSConfigurationStmt: ddl("alter text search configuration"),

  // Roles and databases.
  GrantStmt: (context, statement) => context.schema(statement.is_grant ? "grant" : "revoke"),
  GrantRoleStmt: (context, statement) => context.schema(statement.is_grant ? "grant" : "revoke"),
  AlterDefaultPrivilegesStmt: ddl("alter default privileges"),
  CreateRoleStmt: ddl("create role"),
  AlterRoleStmt: ddl("alter role"),
  AlterRoleSetStmt: (context, statement) => setForLater(context, statement, "alter role set"),
  DropRoleStmt: ddl("drop role"),
  CreatedbStmt: ddl("create database"),
  AlterDatabaseStmt: ddl("alter database"),
  AlterDatabaseRefreshCollStmt: ddl("alter database"),
  AlterDatabaseSetStmt: (context, statement) => setForLater(context, statement, "alter database set"),
  DropdbStmt: (context, statement) => {
    context.schema("drop database", [], true);
    context.dropUnknown({ kind: "other", object: `database ${statement.dbname ?? ""}` });
  },
  CreateTableSpaceStmt: ddl("create tablespace"),
  DropTableSpaceStmt: ddl("drop tablespace"),
  AlterTableSpaceOptionsStmt: ddl("alter tablespace"),

  // Beyond this database.
  CreatePublicationStmt: ddl("create publication"),
  AlterPublicationStmt: ddl("alter publication"),
  CreateSubscriptionStmt: (context) =>
    context.opaque("remote-sql", "CREATE SUBSCRIPTION: another server's changes are applied here"),
  AlterSubscriptionStmt: (context) =>
    context.opaque("remote-sql", "ALTER SUBSCRIPTION: another server's changes are applied here"),
  DropSubscriptionStmt: ddl("drop subscription"),
  CreateFdwStmt: ddl("create foreign data wrapper"),
  AlterFdwStmt: ddl("alter foreign data wrapper"),
  CreateForeignServerStmt: ddl("create server"),
  AlterForeignServerStmt: ddl("alter server"),
  CreateUserMappingStmt: ddl("create user mapping"),
  AlterUserMappingStmt: ddl("alter user mapping"),
  DropUserMappingStmt: ddl("drop user mapping"),
  ImportForeignSchemaStmt: ddl("import foreign schema"),
  LoadStmt: (context) => context.opaque("program", "LOAD runs a library in the server"),
  AlterSystemStmt: (context) =>
    context.opaque("program", "ALTER SYSTEM changes the server's configuration, commands that it runs among it"),
};

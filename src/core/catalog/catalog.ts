import { z } from "zod";

const identifier = z.string().min(1);
const qualified = z.strictObject({ schema: identifier, name: identifier });

export const catalogColumnSchema = z.strictObject({
  name: identifier,
  /** As format_type prints it: "character varying(20)". */
  type: z.string(),
  notNull: z.boolean().default(false),
  default: z.string().nullish(),
  generated: z.enum(["stored", "virtual"]).nullish(),
  identity: z.enum(["always", "by-default"]).nullish(),
  collation: z.string().nullish(),
  /** Column of the parent table(s) in an inheritance or partition tree. */
  inherited: z.boolean().optional(),
});

export const catalogTableSchema = z.strictObject({
  schema: identifier,
  name: identifier,
  oid: z.number().int().nullish(),
  kind: z.enum(["table", "partitioned-table", "materialized-view", "view", "foreign-table"]).default("table"),
  columns: z.array(catalogColumnSchema).nullish(),
  partitionOf: qualified.nullish(),
  partitionBound: z.string().nullish(),
  partitionKey: z.string().nullish(),
  inherits: z.array(qualified).nullish(),
  /** pg_class.reltuples; null or −1 where never analysed. */
  rows: z.number().nullish(),
  replicaIdentity: z.enum(["default", "full", "nothing", "index"]).nullish(),
  published: z.boolean().nullish(),
  owner: z.string().nullish(),
  /** Views and materialized views: the defining query. */
  definition: z.string().nullish(),
  persistence: z.enum(["permanent", "unlogged", "temporary"]).nullish(),
  /** pg_class.reloptions: "parallel_workers=0". */
  options: z.array(z.string()).nullish(),
  /** The extension that it belongs to. */
  extension: identifier.nullish(),
});

export const catalogIndexKeySchema = z
  .strictObject({
    /** Exactly one of column and expression is set. Expressions as pg_get_indexdef prints them. */
    column: identifier.nullish(),
    expression: z.string().nullish(),
    /** null: the type's default, or not known to differ. */
    operatorClass: z.string().nullish(),
    collation: z.string().nullish(),
    order: z.enum(["asc", "desc"]).default("asc"),
    nulls: z.enum(["first", "last"]).nullish(),
  })
  .refine(
    ({ column, expression }) => (column == null) !== (expression == null),
    "an index key is either a column or an expression",
  );

export const catalogIndexSchema = z.strictObject({
  /** Also the schema of its table. */
  schema: identifier,
  name: identifier,
  table: identifier,
  oid: z.number().int().nullish(),
  method: z.string().default("btree"),
  keys: z.array(catalogIndexKeySchema).min(1),
  include: z.array(identifier).default([]),
  /** WHERE clause of a partial index, as pg_get_expr prints it. */
  predicate: z.string().nullish(),
  unique: z.boolean().default(false),
  nullsNotDistinct: z.boolean().default(false),
  primary: z.boolean().default(false),
  exclusion: z.boolean().default(false),
  valid: z.boolean().default(true),
  clustered: z.boolean().default(false),
  /** The table's replica identity. */
  replicaIdentity: z.boolean().default(false),
  /** The partitioned index that it is attached to. */
  partitionOf: qualified.nullish(),
  /** pg_get_indexdef. */
  definition: z.string().nullish(),
});

export const catalogConstraintSchema = z.strictObject({
  schema: identifier,
  table: identifier,
  name: identifier,
  type: z.enum(["primary-key", "unique", "exclusion", "foreign-key", "check", "not-null"]),
  columns: z.array(identifier).default([]),
  /** The index that enforces it (same schema as the table). For a foreign key: the index on the referenced table, as pg_constraint.conindid. */
  index: identifier.nullish(),
  references: z.strictObject({ schema: identifier, table: identifier, columns: z.array(identifier) }).nullish(),
  definition: z.string().nullish(),
  validated: z.boolean().nullish(),
});

/** "This index stops existing when that object is dropped with CASCADE." From pg_depend; tables and columns need no row. */
export const indexDependencySchema = z.strictObject({
  index: qualified,
  on: z.strictObject({
    kind: z.enum([
      "type",
      "domain",
      "function",
      "operator-class",
      "operator-family",
      "operator",
      "collation",
      "extension",
      "schema",
      "access-method",
    ]),
    schema: identifier.nullish(),
    name: identifier,
  }),
});

/** A view that reads a relation; materialized views carry indexes of their own. */
export const viewDependencySchema = z.strictObject({
  view: qualified,
  on: qualified,
  columns: z.array(identifier).nullish(),
});

/** Catalogue facts of one database (PostgreSQL docs, "System Catalogs"). An absent section is not known; an empty one is known to be empty. */
export const catalogSchema = z.strictObject({
  schemas: z.array(z.strictObject({ name: identifier, owner: z.string().nullish() })).optional(),
  tables: z.array(catalogTableSchema).optional(),
  indexes: z.array(catalogIndexSchema).optional(),
  constraints: z.array(catalogConstraintSchema).optional(),
  indexDependencies: z.array(indexDependencySchema).optional(),
  viewDependencies: z.array(viewDependencySchema).optional(),
  types: z
    .array(
      z.strictObject({
        schema: identifier,
        name: identifier,
        kind: z.string(),
        labels: z.array(z.string()).optional(),
        /** A CREATE statement. */
        definition: z.string().nullish(),
        extension: identifier.nullish(),
      }),
    )
    .optional(),
  /** Every function and procedure outside the system schemas; definitions of those that indexes, tables and views use. */
  functions: z
    .array(
      z.strictObject({
        schema: identifier,
        name: identifier,
        definition: z.string().nullish(),
        extension: identifier.nullish(),
      }),
    )
    .optional(),
  sequences: z.array(qualified).optional(),
  extensions: z
    .array(z.strictObject({ name: identifier, version: z.string().nullish(), schema: z.string().nullish() }))
    .optional(),
  extendedStatistics: z
    .array(z.strictObject({ schema: identifier, name: identifier, table: identifier, definition: z.string() }))
    .optional(),
  /** The search_path that unqualified names of a migration are looked up in; absent: "$user", public. */
  searchPath: z.array(identifier).optional(),
});

/** Of one bundle, or merged over several. */
export type Catalog = Omit<z.infer<typeof catalogSchema>, "indexes"> & { indexes?: CatalogIndex[] | undefined };
export type CatalogTable = z.infer<typeof catalogTableSchema>;
export type CatalogColumn = z.infer<typeof catalogColumnSchema>;
export type CatalogIndex = z.infer<typeof catalogIndexSchema> & {
  /** Bundles contradict each other about it, so it cannot stand in for another index. */
  disputed?: boolean;
};
export type CatalogIndexKey = z.infer<typeof catalogIndexKeySchema>;
export type CatalogConstraint = z.infer<typeof catalogConstraintSchema>;

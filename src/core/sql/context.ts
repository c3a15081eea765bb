import type { Catalog, CatalogIndex } from "../catalog/catalog.ts";
import { displayName, type ObjectName } from "../values.ts";
import type {
  Change,
  DataChange,
  ImplicitDrop,
  IndexReference,
  OpaqueReason,
  Statement,
  TableReference,
} from "./change.ts";
import { newRoutineBook, type RoutineBook } from "./routine-book.ts";
import { SearchPath } from "./search-path.ts";
import { bareTable, type Index, type Relation, SchemaState } from "./state.ts";

/** What the reading of one request carries from statement to statement. */
export class Context {
  readonly state: SchemaState;
  readonly path: SearchPath;
  readonly routines: RoutineBook = newRoutineBook();
  readonly changes: Change[] = [];
  /** The statement that changes are ascribed to. */
  statement: Statement;
  /** How deep in routines and DO blocks. */
  depth = 0;
  /** What is created may not come to exist: the request has a ROLLBACK, or this is a routine. */
  rollsBack = false;
  /** Names of types, functions and the like that the request creates, renames or moves: the catalogue's dependencies do not know them. */
  readonly movedObjects = new Set<string>();
  readonly createdSchemas = new Set<string>();
  /** Names of views of this request over system catalogues: what is written to them is written there. */
  readonly catalogueViews = new Set<string>();
  /** Indexes reported by the current statement, so that none is reported twice by two ways to the same index. */
  #reported = new Set<Index>();
  #reportedUnknown = new Set<string>();

  constructor(catalog: Catalog | null, placeholder: Statement) {
    this.state = new SchemaState(catalog);
    this.path = new SearchPath(catalog);
    this.statement = placeholder;
  }

  get uncertain(): boolean {
    return this.rollsBack || this.depth > 0;
  }

  begin(statement: Statement): void {
    this.statement = statement;
    this.#reported = new Set();
    this.#reportedUnknown = new Set();
  }

  /** Every relation that a name may mean, for what takes something away. */
  relations(name: ObjectName): Relation[] {
    return this.path.resolve(this.state.relations, name).all;
  }

  /** The relation that a name means now; one is made up where nothing is known. */
  relation(name: ObjectName): Relation {
    const { live, all } = this.path.resolve(this.state.relations, name);
    return (
      live[0] ??
      all[0] ??
      this.state.addRelation(bareTable(name.schema ?? this.path.creationSchema(), name.name), name, false)
    );
  }

  /** As `relation`, but null where nothing is known. */
  knownRelation(name: ObjectName): Relation | null {
    const { live, all } = this.path.resolve(this.state.relations, name);
    return live[0] ?? all[0] ?? null;
  }

  indexes(name: ObjectName): Index[] {
    return this.path.resolve(this.state.indexes, name).all;
  }

  /** References for a statement that names these tables. */
  tables(...names: ObjectName[]): TableReference[] {
    return names.map((name) => {
      const relation = this.knownRelation(name);
      return relation ? tableReference(relation) : { ...name, createdByRequest: false };
    });
  }

  dropIndex(index: Index, implicit: ImplicitDrop | null, concurrently = false, indexesInStatement = 1): void {
    if (this.#reported.has(index)) return;
    this.#reported.add(index);
    this.changes.push({
      kind: "drop-index",
      statement: this.statement,
      tables: [tableReference(index.relation)],
      affectsQueryPlans: true,
      index: indexReference(index),
      implicit,
      concurrently,
      indexesInStatement,
    });
    index.dropped = true;
    this.state.version += 1;
    // What the name meant before the request must not be forgotten; what came and went with it may.
    if (index.origin === null) this.state.indexes.remove(index);
    // Every partition has its part of the index, and it goes too.
    const { relation, partitions } = index;
    if (
      relation.row.kind === "partitioned-table" &&
      index.origin !== null &&
      partitions.size < relation.partitions.size
    ) {
      this.dropUnknown({ kind: "other", object: `index ${displayName(index.row)}` }, [tableReference(relation)]);
    }
    const parent = `index ${displayName(index.row)}`;
    for (const partition of index.partitions) {
      this.dropIndex(partition, implicit ?? { kind: "other", object: parent }, concurrently, indexesInStatement);
    }
  }

  dropUnnamedIndex(name: ObjectName, concurrently: boolean, indexesInStatement: number): void {
    this.changes.push({
      kind: "drop-index",
      statement: this.statement,
      tables: [],
      affectsQueryPlans: true,
      index: { ...name, table: null, definition: null, createdByRequest: false },
      implicit: null,
      concurrently,
      indexesInStatement,
    });
  }

  /** Once for each object of a statement. */
  dropUnknown(implicit: ImplicitDrop, tables: readonly TableReference[] = []): void {
    if (this.#reportedUnknown.has(implicit.object)) return;
    this.#reportedUnknown.add(implicit.object);
    this.changes.push({
      kind: "drop-unknown-indexes",
      statement: this.statement,
      tables,
      affectsQueryPlans: true,
      implicit,
    });
  }

  createIndex(
    relation: Relation,
    row: CatalogIndex,
    how: { concurrently: boolean; ifNotExists: boolean; only: boolean; constraint: string | null },
  ): void {
    this.changes.push({
      kind: "create-index",
      statement: this.statement,
      tables: [tableReference(relation)],
      affectsQueryPlans: false,
      index: row,
      ...how,
    });
  }

  schema(operation: string, tables: readonly TableReference[] = [], affectsQueryPlans = false): void {
    this.changes.push({ kind: "schema", statement: this.statement, tables, affectsQueryPlans, operation });
  }

  data(operation: DataChange["operation"], tables: readonly TableReference[] = []): void {
    this.changes.push({ kind: "data", statement: this.statement, tables, affectsQueryPlans: false, operation });
  }

  /** What was not read may have set search_path; only a function that is trusted with `allowFunctions` is taken not to have. */
  opaque(reason: OpaqueReason, detail: string, functionName: string | null = null): void {
    this.changes.push({
      kind: "opaque",
      statement: this.statement,
      tables: [],
      affectsQueryPlans: true,
      reason,
      detail,
      functionName,
    });
    if (reason !== "function-call") this.path.forget();
  }
}

export function tableReference(relation: Relation): TableReference {
  const { schema, name } = relation.origin ?? relation.row;
  return { schema, name, createdByRequest: relation.origin === null };
}

export function indexReference(index: Index): IndexReference {
  const { schema, name } = index.origin ?? index.row;
  const table = tableReference(index.relation);
  return {
    schema,
    name,
    table: { schema: table.schema, name: table.name },
    definition: index.row,
    createdByRequest: index.origin === null,
  };
}

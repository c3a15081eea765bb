import type { Catalog, CatalogConstraint, CatalogIndex, CatalogTable } from "../catalog/catalog.ts";
import type { ObjectName } from "../values.ts";
import { NameMap } from "./name-map.ts";

/** A table, view or materialized view while the request runs. */
export interface Relation {
  /** As it is now. */
  row: CatalogTable;
  /** Its name before the request; null: created by it. */
  origin: ObjectName | null;
  /** The catalogue lists it, or the request created it: false where only a statement or an index speaks of it. */
  known: boolean;
  dropped: boolean;
  /** Created where it may not come to that: in a routine, or before a ROLLBACK. */
  uncertain: boolean;
  indexes: Set<Index>;
  constraints: Set<Constraint>;
  partitions: Set<Relation>;
  inheritors: Set<Relation>;
  /** Views and materialized views that read it. */
  readers: Set<Relation>;
  /** Former names of columns: an expression may still be written with them. */
  formerColumns: Map<string, Set<string>>;
}

export interface Index {
  row: CatalogIndex;
  origin: ObjectName | null;
  relation: Relation;
  partitions: Set<Index>;
  dropped: boolean;
  uncertain: boolean;
  builtAt: number | null;
}

export interface Constraint {
  row: CatalogConstraint;
  dropped: boolean;
}

export interface IndexDependency {
  index: Index;
  kind: string;
  schema: string | null;
  name: string;
}

/**
 * The schema as far as names and indexes go, followed statement by statement. A name keeps what it once meant: a statement
 * may fail, be rolled back or stand in a branch that is not taken, so what is dropped by a name is everything that the name
 * can mean.
 */
export class SchemaState {
  readonly catalog: Catalog | null;
  readonly relations = new NameMap<Relation>((relation) => relation.row);
  readonly indexes = new NameMap<Index>((index) => index.row);
  /** null: not known. */
  readonly dependencies: IndexDependency[] | null;
  /** Counts changes of names, so that a routine's body is read again only when it could mean something else. */
  version = 0;
  readonly #allRelations = new Set<Relation>();
  readonly #allIndexes = new Set<Index>();

  constructor(catalog: Catalog | null) {
    this.catalog = catalog;
    for (const row of catalog?.tables ?? []) {
      this.addRelation(
        { ...row, columns: row.columns && [...row.columns] },
        { schema: row.schema, name: row.name },
        true,
      );
    }
    for (const row of catalog?.indexes ?? []) {
      const relation =
        this.exactRelation(row.schema, row.table) ??
        this.addRelation(bareTable(row.schema, row.table), { schema: row.schema, name: row.table }, false);
      this.addIndex(relation, { ...row, keys: row.keys.map((key) => ({ ...key })) }, originOf(row));
    }
    for (const row of catalog?.constraints ?? []) {
      const relation =
        this.exactRelation(row.schema, row.table) ??
        this.addRelation(bareTable(row.schema, row.table), { schema: row.schema, name: row.table }, false);
      relation.constraints.add({ row: { ...row }, dropped: false });
    }
    this.#linkTrees();
    this.dependencies = this.#linkDependencies();
  }

  addRelation(row: CatalogTable, origin: ObjectName | null, known: boolean, uncertain = false): Relation {
    const relation: Relation = {
      row,
      origin,
      known,
      dropped: false,
      uncertain,
      indexes: new Set(),
      constraints: new Set(),
      partitions: new Set(),
      inheritors: new Set(),
      readers: new Set(),
      formerColumns: new Map(),
    };
    this.relations.add(relation);
    this.#allRelations.add(relation);
    this.version += 1;
    return relation;
  }

  /** `builtAt`: see MigrationAnalysis; null for what exists before the request. */
  addIndex(
    relation: Relation,
    row: CatalogIndex,
    origin: ObjectName | null,
    uncertain = false,
    builtAt: number | null = null,
  ): Index {
    const index: Index = { row, origin, relation, partitions: new Set(), dropped: false, uncertain, builtAt };
    relation.indexes.add(index);
    this.indexes.add(index);
    this.#allIndexes.add(index);
    this.version += 1;
    return index;
  }

  exactRelation(schema: string, name: string): Relation | null {
    for (const relation of this.relations.exact(schema, name)) {
      if (!relation.dropped && relation.row.name === name && relation.row.schema === schema) return relation;
    }
    return null;
  }

  exactIndex(schema: string, name: string): Index | null {
    for (const index of this.indexes.exact(schema, name)) {
      if (!index.dropped && index.row.name === name && index.row.schema === schema) return index;
    }
    return null;
  }

  renameRelation(relation: Relation, name: string): void {
    relation.row = { ...relation.row, name };
    for (const index of relation.indexes) index.row = { ...index.row, table: name };
    for (const constraint of relation.constraints) constraint.row = { ...constraint.row, table: name };
    this.relations.add(relation);
    this.version += 1;
  }

  moveRelation(relation: Relation, schema: string): void {
    relation.row = { ...relation.row, schema };
    for (const index of relation.indexes) {
      index.row = { ...index.row, schema };
      this.indexes.add(index);
    }
    for (const constraint of relation.constraints) constraint.row = { ...constraint.row, schema };
    this.relations.add(relation);
    this.version += 1;
  }

  /** A constraint and its index share their name. */
  renameIndex(index: Index, name: string): void {
    for (const constraint of index.relation.constraints) {
      if (constraint.row.type !== "foreign-key" && (constraint.row.index ?? constraint.row.name) === index.row.name) {
        constraint.row = { ...constraint.row, name, index: name };
      }
    }
    index.row = { ...index.row, name };
    this.indexes.add(index);
    this.version += 1;
  }

  /** Every relation and index, those that are gone too. */
  everyRelation(): Iterable<Relation> {
    return this.#allRelations;
  }

  everyIndex(): Iterable<Index> {
    return this.#allIndexes;
  }

  /** The sections that the catalogue had, as they are now; what may not have been created is left out. */
  export(): Catalog | null {
    if (this.catalog === null) return null;
    const tables: CatalogTable[] = [];
    const indexes: CatalogIndex[] = [];
    const constraints: CatalogConstraint[] = [];
    for (const relation of this.#allRelations) {
      if (relation.dropped || relation.uncertain || relation.row.schema === "pg_temp") continue;
      if (relation.known) tables.push(relation.row);
      for (const constraint of relation.constraints) if (!constraint.dropped) constraints.push(constraint.row);
    }
    for (const index of this.#allIndexes) {
      if (!index.dropped && !index.uncertain && index.row.schema !== "pg_temp") indexes.push(index.row);
    }
    return {
      ...this.catalog,
      ...(this.catalog.tables && { tables }),
      ...(this.catalog.indexes && { indexes }),
      ...(this.catalog.constraints && { constraints }),
    };
  }

  /** The rows of the indexes that the request builds. */
  builtAt(): Map<CatalogIndex, number> {
    const built = new Map<CatalogIndex, number>();
    for (const { row, builtAt } of this.#allIndexes) if (builtAt !== null) built.set(row, builtAt);
    return built;
  }

  #linkTrees(): void {
    for (const relation of this.#allRelations) {
      const parent = relation.row.partitionOf;
      if (parent) this.exactRelation(parent.schema, parent.name)?.partitions.add(relation);
      for (const ancestor of relation.row.inherits ?? []) {
        this.exactRelation(ancestor.schema, ancestor.name)?.inheritors.add(relation);
      }
    }
    for (const index of this.#allIndexes) {
      const parent = index.row.partitionOf;
      if (parent) this.exactIndex(parent.schema, parent.name)?.partitions.add(index);
    }
    for (const { view, on } of this.catalog?.viewDependencies ?? []) {
      const reader =
        this.exactRelation(view.schema, view.name) ??
        this.addRelation(bareTable(view.schema, view.name), { schema: view.schema, name: view.name }, false);
      this.exactRelation(on.schema, on.name)?.readers.add(reader);
    }
  }

  #linkDependencies(): IndexDependency[] | null {
    if (!this.catalog?.indexDependencies) return null;
    return this.catalog.indexDependencies.map(({ index, on }) => ({
      index:
        this.exactIndex(index.schema, index.name) ??
        this.addIndex(
          this.addRelation(bareTable(index.schema, "?"), { schema: index.schema, name: "?" }, false),
          { ...unknownIndex, schema: index.schema, name: index.name },
          { schema: index.schema, name: index.name },
        ),
      kind: on.kind,
      schema: on.schema ?? null,
      name: on.name,
    }));
  }
}

function originOf(row: CatalogIndex): ObjectName {
  return { schema: row.schema, name: row.name };
}

export function bareTable(schema: string, name: string): CatalogTable {
  return { schema, name, kind: "table" };
}

/** An index that only pg_depend speaks of. */
const unknownIndex: CatalogIndex = {
  schema: "?",
  name: "?",
  table: "?",
  method: "btree",
  keys: [{ expression: "?", order: "asc" }],
  include: [],
  unique: false,
  nullsNotDistinct: false,
  primary: false,
  exclusion: false,
  valid: true,
  clustered: false,
  replicaIdentity: false,
};

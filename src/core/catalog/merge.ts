import type { TrustedBundle } from "../evidence/bundle.ts";
import { clockToleranceMs } from "../evidence/usable.ts";
import type { Catalog, CatalogConstraint, CatalogIndex, CatalogTable } from "./catalog.ts";

interface DatedCatalog {
  catalog: Catalog;
  capturedAt: Date;
}

/**
 * One catalogue out of several bundles, given with the most trusted and newest first. The first that shows a table says what it is
 * and which indexes and constraints it has. What others say of it at about the same time or later can only add doubts: what makes
 * an index harder to drop counts, and an index that they do not show alike is `disputed`. What they said earlier is out of date.
 */
export function mergeCatalogs(bundles: readonly TrustedBundle[]): Catalog | null {
  const catalogs = bundles.flatMap(({ bundle: { catalog, capturedAt } }) =>
    catalog == null ? [] : { catalog, capturedAt },
  );
  const [first, ...rest] = catalogs;
  if (first === undefined) return null;
  if (rest.length === 0) return first.catalog;
  return {
    ...rest.reduce((joined, { catalog }) => joinLists(joined, catalog), first.catalog),
    tables: mergeByTable<CatalogTable>(catalogs, {
      rowsOf: ({ tables }) => tables,
      tableOf: key,
      keyOf: key,
      both: largerTable,
      alone: (row) => row,
      alsoShown: () => [],
    }),
    indexes: mergeByTable<CatalogIndex>(catalogs, {
      rowsOf: ({ indexes }) => indexes,
      tableOf: tableKey,
      keyOf: key,
      both: worse,
      alone: (row) => ({ ...row, disputed: true }),
      alsoShown: () => [],
    }),
    constraints: mergeByTable<CatalogConstraint>(catalogs, {
      rowsOf: ({ constraints }) => constraints,
      tableOf: tableKey,
      keyOf: ({ name }) => name,
      both: (row) => row,
      alone: (row) => row,
      // A table without constraints has no row here.
      alsoShown: ({ tables, indexes }) => [...(tables ?? []).map(key), ...(indexes ?? []).map(tableKey)],
    }),
  };
}

interface Section<Row> {
  rowsOf(catalog: Catalog): readonly Row[] | undefined;
  tableOf(row: Row): string;
  keyOf(row: Row): string;
  /** What two bundles of about the same time say of one object, the more trusted one first. */
  both(a: Row, b: Row): Row;
  /** What only one of them says, though both show the table. */
  alone(row: Row): Row;
  /** Tables of which the section says that they have no rows. */
  alsoShown(catalog: Catalog): readonly string[];
}

function mergeByTable<Row>(catalogs: readonly DatedCatalog[], section: Section<Row>): Row[] | undefined {
  const tables = new Map<string, { since: Date; rows: Map<string, Row> }>();
  const telling = catalogs.filter(({ catalog }) => section.rowsOf(catalog) !== undefined);
  for (const { catalog, capturedAt } of telling) {
    for (const [table, rows] of rowsByTable(catalog, section)) {
      const known = tables.get(table);
      if (known === undefined) tables.set(table, { since: capturedAt, rows });
      else if (capturedAt.getTime() >= known.since.getTime() - clockToleranceMs) {
        tables.set(table, { ...known, rows: compared(known.rows, rows, section) });
      }
    }
  }
  return telling.length === 0 ? undefined : [...tables.values()].flatMap(({ rows }) => [...rows.values()]);
}

function rowsByTable<Row>(catalog: Catalog, section: Section<Row>): Map<string, Map<string, Row>> {
  const tables = new Map(section.alsoShown(catalog).map((table) => [table, new Map<string, Row>()]));
  for (const row of section.rowsOf(catalog) ?? []) {
    const rows = tables.get(section.tableOf(row)) ?? new Map<string, Row>();
    const twin = rows.get(section.keyOf(row));
    rows.set(section.keyOf(row), twin === undefined ? row : section.both(twin, row));
    tables.set(section.tableOf(row), rows);
  }
  return tables;
}

function compared<Row>(a: Map<string, Row>, b: Map<string, Row>, section: Section<Row>): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const [name, row] of [...a, ...b]) {
    const twin = b.get(name);
    if (!a.has(name) || twin === undefined) rows.set(name, section.alone(row));
    else if (!rows.has(name)) rows.set(name, section.both(row, twin));
  }
  return rows;
}

/** What belongs to no table: everything that any bundle has. */
function joinLists(base: Catalog, other: Catalog): Catalog {
  return {
    ...base,
    schemas: union(base.schemas, other.schemas, ({ name }) => name),
    indexDependencies: union(base.indexDependencies, other.indexDependencies, (row) => JSON.stringify(row)),
    viewDependencies: union(base.viewDependencies, other.viewDependencies, (row) => JSON.stringify(row)),
    types: union(base.types, other.types, key),
    functions: union(base.functions, other.functions, (row) => `${key(row)} ${row.definition ?? ""}`),
    sequences: union(base.sequences, other.sequences, key),
    extensions: union(base.extensions, other.extensions, ({ name }) => name),
    extendedStatistics: union(base.extendedStatistics, other.extendedStatistics, key),
    searchPath: base.searchPath ?? other.searchPath,
  };
}

function union<T>(a: T[] | undefined, b: T[] | undefined, keyOf: (row: T) => string): T[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const known = new Set(a.map(keyOf));
  return [...a, ...b.filter((row) => !known.has(keyOf(row)))];
}

function key({ schema, name }: { schema: string; name: string }): string {
  return JSON.stringify([schema, name]);
}

function tableKey({ schema, table }: { schema: string; table: string }): string {
  return JSON.stringify([schema, table]);
}

/** An unknown size stays unknown: what is known of it elsewhere may be of another time. */
function largerTable(a: CatalogTable, b: CatalogTable): CatalogTable {
  return a.rows == null || a.rows < 0 ? a : { ...a, rows: Math.max(a.rows, b.rows ?? 0) };
}

/** The roles of either make it harder to drop. */
function worse(a: CatalogIndex, b: CatalogIndex): CatalogIndex {
  return {
    ...a,
    valid: a.valid || b.valid,
    unique: a.unique || b.unique,
    primary: a.primary || b.primary,
    exclusion: a.exclusion || b.exclusion,
    clustered: a.clustered || b.clustered,
    replicaIdentity: a.replicaIdentity || b.replicaIdentity,
    disputed: a.disputed === true || b.disputed === true || shape(a) !== shape(b),
  };
}

/** All that decides whether an index can stand in for another. */
function shape(index: CatalogIndex): string {
  const keys = index.keys.map((part) => [
    part.column ?? null,
    part.expression ?? null,
    part.operatorClass ?? null,
    part.collation ?? null,
    part.order,
    part.nulls ?? (part.order === "desc" ? "first" : "last"),
  ]);
  const { method, include, predicate = null, unique, nullsNotDistinct, valid } = index;
  return JSON.stringify([method, keys, include, predicate, unique, nullsNotDistinct, valid]);
}

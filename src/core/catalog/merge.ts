import type { TrustedBundle } from "../evidence/bundle.ts";
import type { Catalog, CatalogIndex } from "./catalog.ts";

/**
 * One catalogue out of several bundles, given with the most trusted and newest first. An object that several bundles have is
 * taken from the first; where they disagree about an index, what makes dropping it or relying on it harder counts.
 */
export function mergeCatalogs(bundles: readonly TrustedBundle[]): Catalog | null {
  const catalogs = bundles.flatMap(({ bundle }) => bundle.catalog ?? []);
  const [first, ...rest] = catalogs;
  if (first === undefined) return null;
  return rest.reduce<Catalog>(mergeTwo, first);
}

function mergeTwo(base: Catalog, other: Catalog): Catalog {
  const tableKnown = new Set((other.indexes ?? []).map((index) => `${index.schema}.${index.table}`));
  const otherIndexes = new Map((other.indexes ?? []).map((index) => [key(index), index]));
  const indexes = union(base.indexes, other.indexes, key)?.map((index) => {
    const twin = otherIndexes.get(key(index));
    if (twin !== undefined) return twin === index ? index : worse(index, twin);
    return tableKnown.has(`${index.schema}.${index.table}`) ? { ...index, valid: false } : index;
  });
  return {
    ...base,
    schemas: union(base.schemas, other.schemas, ({ name }) => name),
    tables: union(base.tables, other.tables, key),
    indexes,
    constraints: union(base.constraints, other.constraints, (row) => `${row.schema}.${row.table}.${row.name}`),
    indexDependencies: union(base.indexDependencies, other.indexDependencies, (row) => JSON.stringify(row)),
    viewDependencies: union(base.viewDependencies, other.viewDependencies, (row) => JSON.stringify(row)),
    types: union(base.types, other.types, key),
    functions: union(base.functions, other.functions, (row) => `${key(row)} ${row.definition ?? ""}`),
    extensions: union(base.extensions, other.extensions, ({ name }) => name),
    extendedStatistics: union(base.extendedStatistics, other.extendedStatistics, key),
    searchPath: base.searchPath ?? other.searchPath,
  };
}

function key(object: { schema: string; name: string }): string {
  return JSON.stringify([object.schema, object.name]);
}

function union<T>(a: T[] | undefined, b: T[] | undefined, keyOf: (row: T) => string): T[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const known = new Set(a.map(keyOf));
  return [...a, ...b.filter((row) => !known.has(keyOf(row)))];
}

/** `valid: false` keeps an index from being taken as a substitute; the roles make it harder to drop. */
function worse(a: CatalogIndex, b: CatalogIndex): CatalogIndex {
  const shape = (index: CatalogIndex) =>
    JSON.stringify([index.table, index.method, index.keys, index.include, index.predicate ?? null, index.unique]);
  return {
    ...a,
    valid: a.valid && b.valid && shape(a) === shape(b),
    unique: a.unique || b.unique,
    primary: a.primary || b.primary,
    exclusion: a.exclusion || b.exclusion,
    clustered: a.clustered || b.clustered,
    replicaIdentity: a.replicaIdentity || b.replicaIdentity,
  };
}

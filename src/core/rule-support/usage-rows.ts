import type { Catalog, CatalogIndex } from "../catalog/catalog.ts";
import type { IndexUsageRow, TrustedBundle } from "../evidence/bundle.ts";
import { groupBy } from "../group-by.ts";
import { type ObjectName, sameObject } from "../values.ts";

/** The rows of an index: its own, or (a partitioned index has none) those of the indexes attached to it. */
export function usageRowsOf({ bundle }: TrustedBundle, index: ObjectName, catalog: Catalog | null): IndexUsageRow[] {
  const { indexUsage } = bundle;
  if (indexUsage == null) return [];
  const byName = once(rowsByName, indexUsage, ({ rows }) => groupBy(rows, (row) => row.index));
  const rows = withAttached(index, catalog).flatMap((wanted) =>
    (byName.get(wanted.name) ?? []).filter((row) => sameObject(wanted, { schema: row.schema, name: row.index })),
  );
  return [...new Set(rows)];
}

/** PostgreSQL's partition trees are some levels deep; evidence may claim any depth, or that an index is attached to itself. */
const deepestTree = 32;

/** The index and those attached to it. */
function withAttached(index: ObjectName, catalog: Catalog | null): ObjectName[] {
  const byParent = once(indexesByParent, catalog?.indexes ?? [], (all) =>
    groupBy(
      all.filter(({ partitionOf }) => partitionOf != null),
      ({ partitionOf }) => partitionOf?.name ?? "",
    ),
  );
  const found = new Set<ObjectName>([index]);
  let level: readonly ObjectName[] = [index];
  for (let depth = 0; depth < deepestTree && level.length > 0; depth++) {
    level = level
      .flatMap((parent) =>
        (byParent.get(parent.name) ?? []).filter((child) => child.partitionOf && sameObject(child.partitionOf, parent)),
      )
      .filter((child) => !found.has(child));
    for (const child of level) found.add(child);
  }
  return [...found];
}

const rowsByName = new WeakMap<object, ReadonlyMap<string, IndexUsageRow[]>>();
const indexesByParent = new WeakMap<object, ReadonlyMap<string, CatalogIndex[]>>();

/** Evidence does not change, and thousands of dropped indexes look things up in it. */
function once<Key extends object, Value>(known: WeakMap<object, Value>, key: Key, make: (key: Key) => Value): Value {
  const value = known.get(key) ?? make(key);
  known.set(key, value);
  return value;
}

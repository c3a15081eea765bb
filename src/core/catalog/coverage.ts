import type { CatalogIndex, CatalogIndexKey } from "./catalog.ts";

export type Coverage = { covers: true } | { covers: false; because: string };

/** Access methods whose key columns can be searched on their own, whatever their position (PostgreSQL docs, "Multicolumn Indexes"). */
const anyColumnMethods: ReadonlySet<string> = new Set(["gin", "brin"]);

/**
 * Can `survivor` do all that `dropped` does? Only then is `dropped` redundant: same table and access method, valid, the same
 * leading keys (operator class, collation, sort options), the same predicate, every INCLUDE column, and as unique.
 */
export function coverage(dropped: CatalogIndex, survivor: CatalogIndex): Coverage {
  const because = obstacle(dropped, survivor);
  return because === null ? { covers: true } : { covers: false, because };
}

export function covers(dropped: CatalogIndex, survivor: CatalogIndex): boolean {
  return obstacle(dropped, survivor) === null;
}

function obstacle(dropped: CatalogIndex, survivor: CatalogIndex): string | null {
  if (dropped.schema !== survivor.schema || dropped.table !== survivor.table) return "is on another table";
  if (!survivor.valid) return "is not valid";
  if (survivor.disputed === true) return "is not shown alike by all evidence bundles";
  if (dropped.method !== survivor.method) return `is a ${survivor.method} index, not ${dropped.method}`;
  if ((dropped.predicate ?? null) !== (survivor.predicate ?? null)) return predicateObstacle(dropped, survivor);
  const keys = keyObstacle(dropped, survivor);
  if (keys !== null) return keys;
  const available = new Set([...survivor.include, ...survivor.keys.map((key) => key.column)]);
  const missing = dropped.include.filter((column) => !available.has(column));
  if (missing.length > 0) return `does not include ${missing.join(", ")}`;
  return uniquenessObstacle(dropped, survivor);
}

function predicateObstacle(dropped: CatalogIndex, survivor: CatalogIndex): string {
  if (survivor.predicate == null) return `has every row, not only those WHERE ${dropped.predicate}`;
  return `has only the rows WHERE ${survivor.predicate}`;
}

function keyObstacle(dropped: CatalogIndex, survivor: CatalogIndex): string | null {
  if (anyColumnMethods.has(dropped.method)) {
    const missing = dropped.keys.find((key) => !survivor.keys.some((other) => sameKey(key, other)));
    return missing === undefined ? null : `does not have the key ${keyText(missing)}`;
  }
  for (const [position, key] of dropped.keys.entries()) {
    const other = survivor.keys[position];
    if (other === undefined) return `ends after ${keyList(survivor)}`;
    if (!sameKey(key, other)) {
      return position === 0
        ? `starts with ${keyText(other)}, not ${keyText(key)}`
        : `has ${keyText(other)} where ${keyText(key)} is needed`;
    }
  }
  return dropped.method === "btree" ? orderObstacle(dropped.keys, survivor.keys) : null;
}

/** A B-tree is read in both directions: the sort options must all agree, or all be the reverse. */
function orderObstacle(dropped: readonly CatalogIndexKey[], survivor: readonly CatalogIndexKey[]): string | null {
  const pairs = dropped.map((key, position) => {
    const other = survivor[position] ?? key;
    return {
      forward: key.order === other.order && nullsOf(key) === nullsOf(other),
      backward: key.order !== other.order && nullsOf(key) !== nullsOf(other),
    };
  });
  if (pairs.every((pair) => pair.forward) || pairs.every((pair) => pair.backward)) return null;
  return "sorts in another order";
}

function nullsOf(key: CatalogIndexKey): "first" | "last" {
  return key.nulls ?? (key.order === "desc" ? "first" : "last");
}

function uniquenessObstacle(dropped: CatalogIndex, survivor: CatalogIndex): string | null {
  return dropped.unique && !enforcesSameUniqueness(dropped, survivor) ? "does not enforce the same uniqueness" : null;
}

/** Both unique, on the same set of keys and rows, with the same treatment of nulls. */
export function enforcesSameUniqueness(dropped: CatalogIndex, survivor: CatalogIndex): boolean {
  return (
    survivor.unique &&
    survivor.valid &&
    survivor.disputed !== true &&
    survivor.schema === dropped.schema &&
    survivor.table === dropped.table &&
    survivor.nullsNotDistinct === dropped.nullsNotDistinct &&
    (survivor.predicate ?? null) === (dropped.predicate ?? null) &&
    survivor.keys.length === dropped.keys.length &&
    dropped.keys.every((key) => survivor.keys.some((other) => sameKey(key, other)))
  );
}

function sameKey(a: CatalogIndexKey, b: CatalogIndexKey): boolean {
  return (
    (a.column ?? null) === (b.column ?? null) &&
    (a.expression ?? null) === (b.expression ?? null) &&
    (a.operatorClass ?? null) === (b.operatorClass ?? null) &&
    (a.collation ?? null) === (b.collation ?? null)
  );
}

export function keyText(key: CatalogIndexKey): string {
  const parts = [key.column ?? `(${key.expression ?? "?"})`];
  if (key.collation != null) parts.push(`COLLATE "${key.collation}"`);
  if (key.operatorClass != null) parts.push(key.operatorClass);
  return parts.join(" ");
}

/** "(user_id, status, created_at DESC)" */
export function keyList(index: CatalogIndex): string {
  return `(${index.keys.map((key) => (key.order === "desc" ? `${keyText(key)} DESC` : keyText(key))).join(", ")})`;
}

/** How many leading keys two indexes have in common. */
export function sharedKeys(a: CatalogIndex, b: CatalogIndex): number {
  const differing = a.keys.findIndex((key, position) => {
    const other = b.keys[position];
    return other === undefined || !sameKey(key, other);
  });
  return differing === -1 ? a.keys.length : differing;
}

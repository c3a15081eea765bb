import type { CatalogIndex } from "../catalog/catalog.ts";
import { digestOf } from "../digest.ts";
import type { EvidenceBundle, IndexUsageRow, TrustedBundle } from "./bundle.ts";

/** What a gate remembers of one index: PostgreSQL records no creation time. Known by schema, name and definition. */
export interface IndexAge {
  schema: string;
  name: string;
  table: string;
  /** Digest of what CREATE INDEX says, without the oid. */
  definition: string;
  /** The earliest moment at which it was seen since it was made. */
  seenSince: Date;
  /** It was not there when the gate looked before, so it is no older than `seenSince`; false: it may be of any age. */
  appeared: boolean;
  /** Its counters as each node last showed them. */
  counters: ReadonlyMap<string, IndexCounters>;
}

export interface IndexCounters {
  oid: number | null;
  scans: number;
  capturedAt: Date;
}

/** A bundle whose indexes are to be remembered. Asserted bundles must not be: ages would be anybody's claim. */
export interface Sighting {
  bundle: EvidenceBundle;
  /** It shows every index of the database: the gate read it itself. */
  whole: boolean;
  /** The gate has read the database before: an index that it does not know is new. */
  readBefore: boolean;
}

/** What a bundle changes in what is remembered: entries to write, and those of indexes that are gone. */
export function rememberIndexes(
  known: readonly IndexAge[],
  { bundle, whole, readBefore }: Sighting,
): { changed: IndexAge[]; gone: IndexAge[] } {
  const byKey = new Map(known.map((age) => [keyOf(age), age]));
  const tables = new Set(known.map(({ schema, table }) => tableKey(schema, table)));
  const rows = new Map((bundle.indexUsage?.rows ?? []).map((row) => [indexKey(row.schema, row.index), row]));
  const present = new Set<string>();
  const changed: IndexAge[] = [];
  for (const index of bundle.catalog?.indexes ?? []) {
    const { schema, name, table } = index;
    // No name of PostgreSQL's holds NUL, and no text column of the store's.
    if ([schema, name, table].some((part) => part.includes("\0"))) continue;
    const identity = { schema, name, table, definition: definitionOf(index) };
    present.add(keyOf(identity));
    const age = byKey.get(keyOf(identity)) ?? {
      ...identity,
      seenSince: bundle.capturedAt,
      appeared: tables.has(tableKey(schema, table)) || (whole && readBefore),
      counters: new Map<string, IndexCounters>(),
    };
    changed.push(seenAgain(age, bundle, rows.get(indexKey(schema, name)) ?? null));
  }
  const seenBefore = ({ counters }: IndexAge) =>
    [...counters.values()].every(({ capturedAt }) => capturedAt < bundle.capturedAt);
  const gone =
    whole && bundle.catalog != null ? known.filter((age) => !present.has(keyOf(age)) && seenBefore(age)) : [];
  return { changed, gone };
}

/**
 * REINDEX CONCURRENTLY changes the oid and keeps the counters (PostgreSQL docs, "REINDEX"); DROP and CREATE, and ALTER COLUMN TYPE, change the oid
 * and start them at 0. So another oid with fewer scans is another index.
 */
function seenAgain(age: IndexAge, bundle: EvidenceBundle, row: IndexUsageRow | null): IndexAge {
  const { capturedAt, server } = bundle;
  const last = age.counters.get(server.name);
  const earlier = last !== undefined && capturedAt < last.capturedAt;
  const sameOid = last === undefined || row === null || row.oid == null || last.oid === null || row.oid === last.oid;
  if (earlier && !sameOid) return age;
  const remade = last !== undefined && !sameOid && row.scans < last.scans;
  const counters = new Map(age.counters);
  if (row !== null && !earlier) counters.set(server.name, { oid: row.oid ?? null, scans: row.scans, capturedAt });
  if (remade) return { ...age, seenSince: capturedAt, appeared: true, counters };
  const seenSince = new Date(Math.min(capturedAt.getTime(), age.seenSince.getTime()));
  return { ...age, seenSince, counters };
}

/**
 * Bundles with `firstSeen` as far as the gate remembers. A bundle's own claim can only make an index younger. Of an index that
 * was there when the gate first looked nothing is claimed unless that was before the counters started: it may be older.
 */
export function withFirstSeen(bundles: readonly TrustedBundle[], ages: readonly IndexAge[]): TrustedBundle[] {
  if (ages.length === 0) return [...bundles];
  const byName = groupByName(ages);
  return bundles.map((trusted) => {
    const { indexUsage } = trusted.bundle;
    if (indexUsage == null) return trusted;
    const definitions = new Map(
      (trusted.bundle.catalog?.indexes ?? []).map((index) => [indexKey(index.schema, index.name), definitionOf(index)]),
    );
    const rows = indexUsage.rows.map((row) => {
      const definition = definitions.get(indexKey(row.schema, row.index));
      const remembered = (byName.get(indexKey(row.schema, row.index)) ?? []).filter(
        (age) => definition === undefined || age.definition === definition,
      );
      const known = remembered.flatMap((age) => firstSeen(age, indexUsage.windowStart ?? null) ?? []);
      const moments = [...known, ...(row.firstSeen == null ? [] : [row.firstSeen])].map((moment) => moment.getTime());
      return moments.length === 0 ? row : { ...row, firstSeen: new Date(Math.max(...moments)) };
    });
    return { ...trusted, bundle: { ...trusted.bundle, indexUsage: { ...indexUsage, rows } } };
  });
}

function groupByName(ages: readonly IndexAge[]): ReadonlyMap<string, IndexAge[]> {
  const groups = new Map<string, IndexAge[]>();
  for (const age of ages) {
    const key = indexKey(age.schema, age.name);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [age]);
    else group.push(age);
  }
  return groups;
}

function firstSeen({ appeared, seenSince }: IndexAge, windowStart: Date | null): Date | null {
  return appeared || (windowStart !== null && seenSince <= windowStart) ? seenSince : null;
}

function definitionOf({ table, method, keys, include, predicate, unique, nullsNotDistinct }: CatalogIndex): string {
  const parts = keys.map(({ column, expression, operatorClass, collation, order, nulls }) => [
    column ?? null,
    expression ?? null,
    operatorClass ?? null,
    collation ?? null,
    order,
    nulls ?? null,
  ]);
  return digestOf([table, method, parts, include, predicate ?? null, unique, nullsNotDistinct]);
}

const indexKey = (schema: string, name: string) => JSON.stringify([schema, name]);
const tableKey = indexKey;
const keyOf = ({ schema, name, definition }: Pick<IndexAge, "schema" | "name" | "definition">) =>
  JSON.stringify([schema, name, definition]);

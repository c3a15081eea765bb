import { z } from "zod";
import type { ObjectName } from "../../core/values.ts";
import { ServerError } from "../servers/server-error.ts";
import type { Session } from "../servers/session.ts";
import { quoted } from "./quoted.ts";

/** A clone's table may have this much more or less rows than the original. */
const rowsTolerance = 0.2;
/** Below, numbers of rows differ by chance. */
const fewRows = 1000;

const tableRow = z.object({
  name: z.string(),
  kind: z.string(),
  rows: z.number(),
  analyzed: z.boolean(),
  columns: z.array(z.string()),
  indexes: z.array(z.string()),
  definition: z.string().nullable(),
});
type Table = z.infer<typeof tableRow>;

/** The relations of these names with their partitions and inheritors, as far as they change query plans. */
const tables = `
  WITH RECURSIVE tree AS (
    SELECT c.oid FROM unnest($1::text[]) AS given(name) JOIN pg_class c ON c.oid = to_regclass(given.name)
    UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.oid
  )
  SELECT format('%s.%s', n.nspname, c.relname) AS name, c.relkind::text AS kind, c.reltuples::float8 AS rows,
    EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname) AS analyzed,
    ARRAY(SELECT format('%s %s%s', a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN ' NOT NULL' END)
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname) AS columns,
    ARRAY(SELECT pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END
      FROM pg_index i WHERE i.indrelid = c.oid ORDER BY 1) AS indexes,
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition
  FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1`;

/**
 * Plans of the clone say something about the source only where their tables are alike.
 * @throws ServerError that names every difference.
 */
export async function refuseUnlessAlike(clone: Session, source: Session, names: readonly ObjectName[]): Promise<void> {
  const given = [names.map(quoted)];
  const [originals, copies] = [await source.rows(tableRow, tables, given), await clone.rows(tableRow, tables, given)];
  const byName = new Map(copies.map((table) => [table.name, table]));
  const differences = originals.flatMap((table) => difference(table, byName.get(table.name) ?? null));
  const known = new Set(originals.map(({ name }) => name));
  differences.push(...copies.filter(({ name }) => !known.has(name)).map(({ name }) => `${name} is there only`));
  if (differences.length === 0) return;
  const problem = `its tables are not those of ${source.server.name}: ${differences.join("; ")}`;
  throw new ServerError("clone-differs", clone.server.label, problem, "make the clone again, and run ANALYZE on it");
}

function difference(original: Table, copy: Table | null): string[] {
  const { name } = original;
  if (copy === null) return [`${name} is missing`];
  if (copy.kind !== original.kind || copy.definition !== original.definition) return [`${name} is defined differently`];
  const found = [
    ...lacking(original.columns, copy.columns).map((column) => `${name} has no column ${column}`),
    ...lacking(copy.columns, original.columns).map((column) => `${name} has the column ${column} there only`),
    ...lacking(original.indexes, copy.indexes).map((index) => `${name} lacks ${index}`),
    ...lacking(copy.indexes, original.indexes).map((index) => `${name} has there only ${index}`),
  ];
  if (found.length > 0 || !["r", "m"].includes(copy.kind)) return found;
  if (original.rows >= fewRows && copy.rows <= 0) return [`${name} is empty, or was never analysed`];
  if (original.analyzed && !copy.analyzed) return [`${name} has no statistics`];
  const many = Math.max(original.rows, copy.rows) >= fewRows;
  if (!many || Math.abs(copy.rows - original.rows) <= rowsTolerance * Math.max(original.rows, 1)) return [];
  return [`${name} has ${copy.rows} rows, not ${original.rows}`];
}

function lacking(wanted: readonly string[], present: readonly string[]): string[] {
  return wanted.filter((entry) => !present.includes(entry));
}

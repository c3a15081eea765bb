import { z } from "zod";
import type { ValuesPolicy } from "../../core/evidence/statistics.ts";
import type { ColumnValues } from "../../core/workload/parameter-sets.ts";
import type { ColumnUse, ParameterUse } from "../../core/workload/parameter-uses.ts";
import type { Session } from "../servers/session.ts";
import { quoted } from "./quoted.ts";

/** A column with more distinct values than this may hold users' data in its statistics. */
const lowCardinality = 100;

const row = z.object({
  use: z.number(),
  column: z.string(),
  distinct: z.number(),
  common: z.array(z.string()).nullable(),
  bounds: z.array(z.string()).nullable(),
});

/**
 * The statistics of each column, from the likeliest relation that has them: of a whole tree rather than of its root alone, of
 * partitions where nobody analysed the parent, of the tables below a view.
 */
const statistics = `
  WITH RECURSIVE candidate AS (
    SELECT given.use, given.rank, 0 AS depth, to_regclass(given.relation)::oid AS relation, given."column"
    FROM unnest($1::int[], $2::int[], $3::text[], $4::text[]) AS given(use, rank, relation, "column")
    UNION
    SELECT candidate.use, candidate.rank, candidate.depth + 1, below.oid, candidate."column"
    FROM candidate JOIN LATERAL (
      SELECT i.inhrelid AS oid FROM pg_inherits i WHERE i.inhparent = candidate.relation
      UNION
      SELECT d.refobjid FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
      WHERE r.ev_class = candidate.relation AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
    ) AS below ON candidate.depth < 10
  )
  SELECT DISTINCT ON (candidate.use) candidate.use, format('%s.%s.%s', s.schemaname, s.tablename, s.attname) AS "column",
    CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * greatest(c.reltuples, 1000) ELSE s.n_distinct END::float8 AS distinct,
    s.most_common_vals::text::text[] AS common, s.histogram_bounds::text::text[] AS bounds
  FROM candidate
    JOIN pg_class c ON c.oid = candidate.relation
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = candidate."column"
  ORDER BY candidate.use, candidate.rank, candidate.depth, s.inherited DESC, c.reltuples DESC, c.relname`;

/** Reads typical values of the columns that the parameters are compared with. */
export async function readColumnValues(
  session: Session,
  uses: readonly ParameterUse[],
  values: ValuesPolicy,
): Promise<(column: ColumnUse) => ColumnValues | null> {
  const columns = uses.flatMap((use) => ("column" in use ? [use.column] : []));
  const candidates = columns.flatMap(({ column, relations }, use) =>
    relations.map((relation, rank) => ({ use, rank, relation: quoted(relation), column })),
  );
  const rows = await session.rows(row, statistics, [
    candidates.map(({ use }) => use),
    candidates.map(({ rank }) => rank),
    candidates.map(({ relation }) => relation),
    candidates.map(({ column }) => column),
  ]);
  const known = new Map<ColumnUse, ColumnValues>();
  for (const found of rows) {
    const use = columns[found.use];
    const typical = typicalValues(found.common ?? [], found.bounds ?? []);
    if (use === undefined || typical === null) continue;
    const fewDistinct = found.distinct <= lowCardinality;
    const mayBeRecorded = values === "all" || (values === "low-cardinality" && fewDistinct);
    known.set(use, { column: found.column, fewDistinct, mayBeRecorded, ...typical });
  }
  return (column) => known.get(column) ?? null;
}

/** The histogram holds no most common value, so that any of its bounds is rarer than those. */
function typicalValues(
  common: readonly string[],
  bounds: readonly string[],
): Pick<ColumnValues, "common" | "rare" | "bounds"> | null {
  const middle = bounds[Math.floor(bounds.length / 2)];
  const most = common[0] ?? middle;
  if (most === undefined) return null;
  const rare = common.length > 0 ? (middle ?? common.at(-1)) : bounds[0];
  return { common: most, rare: rare === undefined || rare === most ? null : rare, bounds };
}

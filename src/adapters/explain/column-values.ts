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

/** The statistics of each column, from the likeliest relation that has them; of a whole tree rather than its root alone. */
const statistics = `
  SELECT DISTINCT ON (given.use) given.use, format('%s.%s.%s', s.schemaname, s.tablename, s.attname) AS "column",
    CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * greatest(c.reltuples, 1000) ELSE s.n_distinct END::float8 AS distinct,
    s.most_common_vals::text::text[] AS common, s.histogram_bounds::text::text[] AS bounds
  FROM unnest($1::int[], $2::int[], $3::text[], $4::text[]) AS given(use, rank, relation, "column")
    JOIN pg_class c ON c.oid = to_regclass(given.relation)
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = given."column"
  ORDER BY given.use, given.rank, s.inherited DESC`;

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

import { z } from "zod";
import type { ValuesPolicy } from "../../core/evidence/statistics.ts";
import columnStatisticsSql from "./queries/column-statistics.sql";
import indexHeightsSql from "./queries/index-heights.sql";
import rangeStatisticsSql from "./queries/range-statistics.sql";
import relationSizesSql from "./queries/relation-sizes.sql";
import type { ServerFacts } from "./server-facts.ts";
import type { Snapshot } from "./snapshot.ts";

const relationRow = z.looseObject({
  schema: z.string(),
  name: z.string(),
  kind: z.string(),
  mayRead: z.boolean().optional(),
  rowSecurity: z.boolean().optional(),
});
const columnRow = z.looseObject({
  schema: z.string(),
  relation: z.string(),
  column: z.string(),
  inherited: z.boolean(),
});
const heightRow = z.strictObject({ schema: z.string(), name: z.string(), height: z.number() });

type RelationRow = z.output<typeof relationRow>;

export interface StatisticsSection {
  statistics: unknown;
  /** Tables that the role lacks SELECT on. */
  unreadable: readonly RelationRow[];
  notes: readonly string[];
}

export async function readStatistics(
  snapshot: Snapshot,
  facts: ServerFacts,
  values: ValuesPolicy,
): Promise<StatisticsSection> {
  const relations = await snapshot.mustRead(relationSizesSql, z.array(relationRow));
  const columns = await snapshot.mustRead(columnStatisticsSql, z.array(columnRow), [values]);
  const ranges =
    facts.versionNumber >= 170_000 ? await snapshot.mustRead(rangeStatisticsSql, z.array(columnRow), [values]) : [];
  const heights = await readHeights(snapshot, facts);
  const rangeOf = new Map(ranges.map((row) => [columnKey(row), row]));
  const isIndex = ({ kind }: RelationRow) => kind === "index" || kind === "partitioned-index";
  const hiddenTables = relations.filter((row) => !isIndex(row) && row.rowSecurity === true);
  const hiddenIndexes = relations.filter((row) => isIndex(row) && row.mayRead === false);
  return {
    statistics: {
      values,
      relations: relations.map(({ mayRead: _, rowSecurity: __, ...row }) => ({ ...row, ...heights.get(key(row)) })),
      columns: columns.map((row) => ({ ...row, ...rangeOf.get(columnKey(row)) })),
      hidden: [...hiddenTables, ...hiddenIndexes].map(({ schema, name }) => ({ schema, name })),
    },
    unreadable: relations.filter((row) => !isIndex(row) && row.mayRead === false),
    notes: [
      ...noteOn(hiddenTables, "row security hides the column statistics of", "the role may be given BYPASSRLS"),
      ...noteOn(hiddenIndexes, "the role may not read the statistics of the expressions of", expressionHelp(facts)),
    ],
  };
}

/** Only superusers may call bt_metap; for everyone else the height is estimated later. */
async function readHeights(snapshot: Snapshot, facts: ServerFacts): Promise<Map<string, { height: number }>> {
  const pageinspect = facts.extensions.find(({ name }) => name === "pageinspect");
  if (pageinspect === undefined || !facts.superuser) return new Map();
  const rows = await snapshot.withExtension(pageinspect.schema, () =>
    snapshot.mustRead(indexHeightsSql, z.array(heightRow)),
  );
  return new Map(rows.map((row) => [key(row), { height: row.height }]));
}

function expressionHelp({ versionNumber }: ServerFacts): string {
  if (versionNumber < 140_000) return "in PostgreSQL 13 only the owner and superusers see them";
  return "grant pg_read_all_data to see them";
}

function noteOn(relations: readonly RelationRow[], what: string, help: string): string[] {
  if (relations.length === 0) return [];
  const names = relations.slice(0, 5).map(({ schema, name }) => `${schema}.${name}`);
  const more = relations.length > names.length ? ` and ${relations.length - names.length} more` : "";
  return [`${what} ${names.join(", ")}${more}; ${help}`];
}

function key({ schema, name }: { schema: string; name: string }): string {
  return JSON.stringify([schema, name]);
}

function columnKey({ schema, relation, column, inherited }: z.output<typeof columnRow>): string {
  return JSON.stringify([schema, relation, column, inherited]);
}

import { z } from "zod";
import { count } from "../values.ts";

const identifier = z.string().min(1);

/** Which values of columns a collector may read. */
export const valuesPolicies = ["low-cardinality", "all", "none"] as const;
export type ValuesPolicy = (typeof valuesPolicies)[number];

/** Size of a table, materialized view or index (PostgreSQL docs, "pg_class"). */
export const relationStatisticsSchema = z.strictObject({
  schema: identifier,
  name: identifier,
  kind: z.enum(["table", "partitioned-table", "materialized-view", "foreign-table", "index", "partitioned-index"]),
  /** Of an index. */
  table: identifier.nullish(),
  /** Blocks when it was last vacuumed or analysed; −1: an analysed partitioned table, which has none. */
  relpages: z.number().int().min(-1),
  /** Rows at that time; −1: never looked at. */
  reltuples: z.number(),
  relallvisible: count,
  /** Blocks of the file at the time of capture, by which the planner scales `reltuples`. */
  blocks: count.nullish(),
  /** Levels above the leaves of a B-tree (bt_metap, "fastlevel"); absent: not allowed to look. */
  height: count.nullish(),
});

/** As array_out prints it: "{paid,\"not paid\"}". */
const arrayText = z.string().nullish();
const frequencies = z.array(z.number().nullable()).nullish();

/** One row of pg_stats (PostgreSQL docs, "pg_stats"), absent where it has null or where the values policy forbids. */
export const columnStatisticsSchema = z.strictObject({
  schema: identifier,
  /** Table, materialized view, or an index on expressions. */
  relation: identifier,
  column: identifier,
  /** Number of an index's column, whose name may have changed since. */
  attnum: z.number().int().nullish(),
  /** Over the table and its children, rather than the table alone. */
  inherited: z.boolean(),
  nullFrac: z.number(),
  avgWidth: z.number(),
  nDistinct: z.number(),
  mostCommonVals: arrayText,
  mostCommonFreqs: frequencies,
  histogramBounds: arrayText,
  correlation: z.number().nullish(),
  mostCommonElems: arrayText,
  mostCommonElemFreqs: frequencies,
  elemCountHistogram: frequencies,
  rangeLengthHistogram: arrayText,
  rangeEmptyFrac: z.number().nullish(),
  rangeBoundsHistogram: arrayText,
});

/** What the planner knows about sizes and distributions, complete enough to plan the same elsewhere. */
export const statisticsSchema = z.strictObject({
  relations: z.array(relationStatisticsSchema).optional(),
  columns: z.array(columnStatisticsSchema).optional(),
  /** Which values of columns the collector was allowed to read. */
  values: z.enum(valuesPolicies).optional(),
  /** Relations whose column statistics the server hides from the collector's role: absent rows prove nothing there. */
  hidden: z.array(z.strictObject({ schema: identifier, name: identifier })).optional(),
});

export type RelationStatistics = z.infer<typeof relationStatisticsSchema>;
export type ColumnStatistics = z.infer<typeof columnStatisticsSchema>;

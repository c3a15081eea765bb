import { z } from "zod";
import type { Session } from "../servers/session.ts";
import searchExtension from "./queries/search-extension.sql";

/** One read-only transaction in which every query sees the same catalogue. */
export interface Snapshot {
  /** Runs a query of ./queries, which has one column `value`, and reads its first row; null: no row, or null. */
  read<Schema extends z.ZodType>(
    sql: string,
    schema: Schema,
    values?: readonly unknown[],
  ): Promise<z.output<Schema> | null>;
  /** The same where null would be a defect. */
  mustRead<Schema extends z.ZodType>(
    sql: string,
    schema: Schema,
    values?: readonly unknown[],
  ): Promise<z.output<Schema>>;
  /** For one query: the unqualified names of an extension mean its objects. */
  withExtension<T>(schema: string, work: () => Promise<T>): Promise<T>;
}

/**
 * REPEATABLE READ is what standbys offer too. With nothing but pg_catalog in the search path, PostgreSQL prints every name of the
 * user's with its schema, and the output settings make values read back as they were.
 */
const begin = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL search_path = pg_catalog;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex';
SET LOCAL quote_all_identifiers = off`;

/** Ends every query of the collector, which so knows its own in the workload (PostgreSQL does not keep what stands before). */
export const ownQueryMark = "/* plangate evidence collect */";

export async function withSnapshot<T>(session: Session, work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  await session.run(begin);
  const read: Snapshot["read"] = async (sql, schema, values) => {
    const [row] = await session.rows(z.strictObject({ value: z.unknown() }), `${sql}\n${ownQueryMark}`, values);
    return row?.value == null ? null : schema.parse(row.value);
  };
  const result = await work({
    read,
    async mustRead(sql, schema, values) {
      const value = await read(sql, schema, values);
      if (value === null) throw new Error("A query of the collector gave nothing");
      return value;
    },
    async withExtension(schema, query) {
      await read(searchExtension, z.string(), [schema]);
      const found = await query();
      await session.run("SET LOCAL search_path = pg_catalog");
      return found;
    },
  });
  await session.run("COMMIT");
  return result;
}

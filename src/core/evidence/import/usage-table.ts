import type { IndexUsageRow } from "../bundle.ts";
import { type ImportIssue, importError } from "./import-error.ts";
import { isAbsent, type Reading, readCount, readLastScan, readSize } from "./numbers.ts";
import { readTables, type TextRow, type TextTable } from "./text-table.ts";

export interface UsageOptions {
  /** Where the text comes from, for messages. */
  file: string;
  capturedAt: Date;
  /** For tables that do not have these columns; null: not given. */
  schema: string | null;
  table: string | null;
}

type Field =
  | "schema"
  | "table"
  | "index"
  | "oid"
  | "scans"
  | "tuplesRead"
  | "tuplesFetched"
  | "lastScan"
  | "sizeBytes"
  | "ignored";

/** Names of the columns: those of pg_stat_user_indexes first, then what people call them in queries of their own. */
const columnNames: Readonly<Record<Field, readonly string[]>> = {
  schema: ["schemaname", "schema", "schema_name", "nspname"],
  table: ["relname", "table", "tablename", "table_name"],
  index: ["indexrelname", "index", "indexname", "index_name"],
  oid: ["indexrelid", "index_oid", "oid"],
  scans: ["idx_scan", "idx_scans", "scans", "scans_last_reset", "index_scans", "number_of_scans"],
  tuplesRead: ["idx_tup_read", "tuples_read", "tup_read"],
  tuplesFetched: ["idx_tup_fetch", "tuples_fetched", "tup_fetch"],
  lastScan: ["last_idx_scan", "last_used", "last_scan"],
  sizeBytes: ["index_size", "size", "size_bytes", "pg_relation_size", "pg_size_pretty"],
  ignored: ["relid", "table_size"],
};

const fieldOf: ReadonlyMap<string, Field> = new Map(
  // Object.entries widens the keys to string; they are those of the record above.
  (Object.entries(columnNames) as [Field, readonly string[]][]).flatMap(([field, names]) =>
    names.map((name) => [name, field] as const),
  ),
);

/** The index usage in psql's output of a query on pg_stat_user_indexes. Throws InputError with every wrong place. */
export function readUsageTable(text: string, options: UsageOptions): IndexUsageRow[] {
  const issues: ImportIssue[] = [];
  const seen = new Map<string, number>();
  const rows = readTables(text, options.file).flatMap((table) => {
    const fields = fieldsOf(table, options);
    return table.rows.flatMap((row) => {
      const cell = (field: Field) => row.cells[fields.indexOf(field)] ?? "";
      const usage = readRow(row, fields, cell, options, issues);
      if (usage === null) return [];
      const key = JSON.stringify([usage.schema, usage.index]);
      const before = seen.get(key);
      if (before !== undefined)
        issues.push({ line: row.line, message: `${usage.index} stands in line ${before} already` });
      seen.set(key, row.line);
      return [usage];
    });
  });
  if (issues.length > 0) throw importError(options.file, issues);
  if (rows.length === 0) throw importError(options.file, [{ line: 1, message: "the table has no rows" }]);
  return rows;
}

function fieldsOf(table: TextTable, options: UsageOptions): (Field | null)[] {
  const issues: ImportIssue[] = [];
  const add = (message: string) => issues.push({ line: table.line, message });
  const fields = table.columns.map((column) => {
    const field = fieldOf.get(column.toLowerCase().replaceAll(" ", "_")) ?? null;
    if (field === null) add(`unknown column "${column}"; allowed are ${[...fieldOf.keys()].join(", ")}`);
    return field;
  });
  for (const [position, field] of fields.entries()) {
    if (field !== null && field !== "ignored" && fields.indexOf(field) < position) {
      add(`the columns "${table.columns[fields.indexOf(field)]}" and "${table.columns[position]}" mean the same`);
    }
  }
  if (issues.length === 0) {
    if (!fields.includes("index")) add(`no column names the index; call it ${columnNames.index.join(" or ")}`);
    if (!fields.includes("scans")) add(`no column counts the scans; call it ${columnNames.scans.join(" or ")}`);
    if (!fields.includes("table") && options.table === null)
      add("no column names the table; add --table NAME (and --schema NAME)");
  }
  if (issues.length > 0) throw importError(options.file, issues);
  return fields;
}

/** null: something is wrong, and said in `issues`. */
function readRow(
  row: TextRow,
  fields: readonly (Field | null)[],
  cell: (field: Field) => string,
  options: UsageOptions,
  issues: ImportIssue[],
): IndexUsageRow | null {
  const before = issues.length;
  const report = (field: Field, problem: string) => {
    issues.push({ line: row.line, message: `${columnNames[field][0]}: ${problem}` });
    return null;
  };
  const optional = <Value>(field: Field, read: (text: string) => Reading<Value>): Value | null => {
    if (!fields.includes(field) || isAbsent(cell(field))) return null;
    const reading = read(cell(field));
    return "value" in reading ? reading.value : report(field, reading.problem);
  };
  const name = (field: Field, otherwise: string | null): string => {
    const text = fields.includes(field) ? cell(field) : (otherwise ?? "");
    if (text === "") report(field, "is empty");
    else if (/[\p{Cc}]/u.test(text)) report(field, "has a control character or line break");
    return text;
  };
  const scans = readCount(cell("scans"));
  if ("problem" in scans) report("scans", cell("scans") === "" ? "is empty; unknown is not 0" : scans.problem);
  const usage: IndexUsageRow = {
    schema: name("schema", options.schema ?? "public"),
    table: name("table", options.table),
    index: name("index", null),
    oid: optional("oid", readCount),
    scans: "value" in scans ? scans.value : 0,
    tuplesRead: optional("tuplesRead", readCount),
    tuplesFetched: optional("tuplesFetched", readCount),
    lastScan: optional("lastScan", (text) => readLastScan(text, options.capturedAt)),
    sizeBytes: optional("sizeBytes", readSize),
  };
  return issues.length === before ? usage : null;
}

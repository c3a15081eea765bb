import type { CatalogIndex, CatalogTable } from "../../catalog/catalog.ts";
import { InputError, type InputIssue } from "../../errors.ts";
import { parseQueryPlan } from "../../query-plan/parse.ts";
import { QueryPlanError } from "../../query-plan/query-plan-error.ts";
import { readQuery } from "../../sql/read-query.ts";
import type { EvidenceBundle, IndexUsageRow, PlanEvidence, ServerRole } from "../bundle.ts";
import { type ImportedCatalog, readIndexesFile } from "./indexes-file.ts";
import { readUsageTable } from "./usage-table.ts";

export interface ImportFile {
  /** As the user named it. */
  name: string;
  text: string;
}

/** A query with what EXPLAIN prints for it; null: not given. */
export interface ImportedQuery {
  query: ImportFile;
  before: ImportFile | null;
  after: ImportFile | null;
}

export interface ImportInput {
  server: {
    name: string;
    role: ServerRole;
    database: string | null;
    systemIdentifier: string | null;
    serverVersion: string | null;
    standbys: number | null;
  };
  capturedAt: Date;
  /** Since when the counters count; null: not known. */
  windowStart: Date | null;
  /** Of names without a schema; null: public. */
  schema: string | null;
  /** Of usage tables that do not say; null: they all do. */
  table: string | null;
  usage: readonly ImportFile[];
  indexes: readonly ImportFile[];
  /** Known sizes of tables. */
  rows: readonly { schema: string; table: string; rows: number }[];
  queries: readonly ImportedQuery[];
  /** Of the migrations that the after plans were made with; null: there are no after plans. */
  migrationsDigest: string | null;
  /** How the after plans came about; null: by EXPLAIN with the migration applied, as the texts show. */
  afterMethod: "clone" | "hypopg" | null;
  note: string | null;
}

/**
 * Text that people have at hand → one evidence bundle. The grammar must have been loaded.
 * @throws InputError (`bad-evidence-source`) that names file and line. Nothing is guessed, nothing left out.
 */
export function importBundle(input: ImportInput): EvidenceBundle {
  const { server, capturedAt, windowStart, schema, table } = input;
  const usage = input.usage.flatMap(({ name, text }) =>
    readUsageTable(text, { file: name, capturedAt, schema, table }),
  );
  refuseRepeats("--usage", usage, ({ schema: owner, index }) => `${owner}.${index}`);
  const plans = input.queries.flatMap((query) => readPlans(query, input));
  const catalog = readCatalog(input);
  return {
    version: 1,
    capturedAt,
    server,
    ...(usage.length > 0 && { indexUsage: { windowStart, rows: usage satisfies IndexUsageRow[] } }),
    ...(catalog !== null && { catalog }),
    ...(plans.length > 0 && { plans }),
  };
}

function readCatalog(input: ImportInput): EvidenceBundle["catalog"] {
  const read = input.indexes.map(({ name, text }) => readIndexesFile(text, name, input.schema ?? "public"));
  const indexes: CatalogIndex[] = read.flatMap((one) => one.indexes);
  refuseRepeats("--indexes", indexes, ({ schema, name }) => `${schema}.${name}`);
  const tables = withRows(
    read.flatMap((one) => one.tables),
    input.rows,
  );
  if (read.length === 0 && tables.length === 0) return null;
  const constraints =
    read.length > 0 && read.every(showsConstraints) ? read.flatMap((one) => one.constraints ?? []) : null;
  return {
    ...(tables.length > 0 && { tables }),
    ...(read.length > 0 && { indexes }),
    ...(constraints !== null && { constraints }),
  };
}

function showsConstraints({ constraints }: ImportedCatalog): boolean {
  return constraints !== null;
}

function withRows(tables: readonly CatalogTable[], sizes: ImportInput["rows"]): CatalogTable[] {
  refuseRepeats("--indexes", tables, ({ schema, name }) => `${schema}.${name}`);
  refuseRepeats("--rows", sizes, ({ schema, table }) => `${schema}.${table}`);
  const known = tables.map((table) => {
    const size = sizes.find(({ schema, table: name }) => schema === table.schema && name === table.name);
    return size === undefined ? table : { ...table, rows: size.rows };
  });
  const more = sizes
    .filter(({ schema, table }) => !tables.some((other) => other.schema === schema && other.name === table))
    .map(({ schema, table, rows }): CatalogTable => ({ schema, name: table, kind: "table", rows }));
  return [...known, ...more];
}

function readPlans({ query, before, after }: ImportedQuery, input: ImportInput): PlanEvidence[] {
  const text = query.text.trim();
  if (readQuery(text) === null)
    throw problem(query.name, "is not SQL that can be read; give the query itself, without EXPLAIN's output");
  const shared = { query: text, note: input.note };
  return [
    ...(before === null ? [] : [{ ...shared, phase: "before" as const, ...readPlan(before) }]),
    ...(after === null
      ? []
      : [{ ...shared, phase: "after" as const, ...readAfter(after, input), migrationsDigest: input.migrationsDigest }]),
  ];
}

function readAfter(file: ImportFile, { afterMethod }: ImportInput): ReturnType<typeof readPlan> {
  const plan = readPlan(file);
  return afterMethod === null ? plan : { ...plan, method: afterMethod };
}

function readPlan({ name, text }: ImportFile): Pick<PlanEvidence, "method" | "plan" | "settings"> {
  try {
    const { hasActuals, settings } = parseQueryPlan(text);
    return {
      method: hasActuals ? "explain-analyze" : "explain",
      plan: text.trimEnd(),
      ...(settings.size > 0 && { settings: Object.fromEntries(settings) }),
    };
  } catch (error) {
    if (error instanceof QueryPlanError) throw problem(name, error.message, error);
    throw error;
  }
}

function problem(path: string, message: string, cause?: unknown): InputError {
  return new InputError("bad-evidence-source", "Nothing was imported", [{ path, message }], { cause });
}

/** One fact must not come from two places. */
function refuseRepeats<Row>(option: string, rows: readonly Row[], keyOf: (row: Row) => string): void {
  const seen = new Set<string>();
  const issues: InputIssue[] = [];
  for (const key of rows.map(keyOf)) {
    if (seen.has(key)) issues.push({ path: option, message: `${key} is described more than once` });
    seen.add(key);
  }
  if (issues.length > 0) throw new InputError("bad-evidence-source", "Nothing was imported", issues);
}

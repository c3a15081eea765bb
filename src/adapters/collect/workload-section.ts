import { z } from "zod";
import type { EvidenceBundleInput } from "../../core/evidence/bundle.ts";
import { count, instant } from "../../core/values.ts";
import findStatementsSql from "./queries/find-statements.sql";
import statementsSql from "./queries/statements.sql";
import statementsBefore18Sql from "./queries/statements-before-1.8.sql";
import statementsInfoSql from "./queries/statements-info.sql";
import { ownQueryMark, type Snapshot } from "./snapshot.ts";
import { statementText } from "./statement-text.ts";

const foundSchema = z.strictObject({
  schema: z.string(),
  version: z.string(),
  maySelect: z.boolean().nullable(),
  max: z.number().nullable(),
  track: z.string().nullable(),
  computeQueryId: z.string().nullable(),
  exceptions: z.boolean(),
});

const statementsSchema = z.strictObject({
  entries: count,
  rows: z.array(
    z.strictObject({
      queryId: z.string().nullable(),
      query: z.string().nullable(),
      calls: z.number(),
      totalMs: z.number(),
    }),
  ),
});

const infoSchema = z.strictObject({ evictions: count, windowStart: instant.nullable() });

type Found = z.output<typeof foundSchema>;
type Row = z.output<typeof statementsSchema>["rows"][number];

export interface WorkloadSection {
  /** null: the server does not count statements. */
  statements: EvidenceBundleInput["statements"];
  /** Schema of pg_stat_statements where the role may not read it. */
  unreadableSchema: string | null;
  notes: readonly string[];
}

interface WorkloadOptions {
  allowValues: boolean;
  functionsRunStatements: boolean;
}

export async function readWorkload(snapshot: Snapshot, options: WorkloadOptions): Promise<WorkloadSection> {
  const found = await snapshot.read(findStatementsSql, foundSchema);
  if (found === null)
    return absent("pg_stat_statements is not installed: CREATE EXTENSION pg_stat_statements in this database");
  if (found.max === null)
    return absent("pg_stat_statements is not loaded: add it to shared_preload_libraries and restart");
  if (found.maySelect !== true)
    return { ...absent("the role may not read pg_stat_statements"), unreadableSchema: found.schema };
  const { entries, rows, info } = await readStatements(snapshot, found);
  const { kept, hidden, unreadable } = readable(rows, options.allowValues);
  const doubts = [
    ...doubtsAboutSettings(found, options.functionsRunStatements),
    ...doubtsAboutEvictions(info?.evictions ?? null, entries, found.max),
    ...(hidden > 0 ? [`${hidden} statements of the workload are without text`] : []),
    ...(unreadable > 0 ? [`${unreadable} statements of the workload cannot be read and are left out`] : []),
  ];
  return {
    statements: {
      complete: doubts.length === 0,
      ...(info?.windowStart != null && { windowStart: info.windowStart.toISOString() }),
      rows: kept,
    },
    unreadableSchema: null,
    notes: doubts.map((doubt) => `the workload is not complete: ${doubt}`),
  };
}

function absent(note: string): WorkloadSection {
  return { statements: null, unreadableSchema: null, notes: [note] };
}

async function readStatements(snapshot: Snapshot, { schema, version }: Found) {
  return snapshot.withExtension(schema, async () => {
    const sql = isAtLeast(version, 8) ? statementsSql : statementsBefore18Sql;
    const statements = await snapshot.mustRead(sql, statementsSchema);
    const info = isAtLeast(version, 9) ? await snapshot.mustRead(statementsInfoSql, infoSchema) : null;
    return { ...statements, info };
  });
}

/** "1.10" is at least 1.8. */
function isAtLeast(version: string, minor: number): boolean {
  const [first = 0, second = 0] = version.split(".").map(Number);
  return first > 1 || second >= minor;
}

function readable(rows: readonly Row[], allowValues: boolean) {
  let hidden = 0;
  let unreadable = 0;
  const kept = rows.flatMap(({ queryId, query, calls, totalMs }) => {
    // Other users' texts have no query id for those who may not see them.
    if (query === null || queryId === null) {
      hidden += 1;
      return [];
    }
    if (query.trimEnd().endsWith(ownQueryMark)) return [];
    const text = statementText(query, allowValues);
    if (text === "unreadable") unreadable += 1;
    if (text === "unreadable" || text === "no-query-plan") return [];
    return [{ queryId, query: text.text, calls, totalMs, meanMs: calls === 0 ? 0 : totalMs / calls }];
  });
  return { kept, hidden, unreadable };
}

function doubtsAboutSettings({ track, computeQueryId, exceptions }: Found, functionsRunStatements: boolean): string[] {
  if (track !== "all" && track !== "top") return [`pg_stat_statements.track is ${track ?? "unknown"}`];
  return [
    ...(track === "top" && functionsRunStatements
      ? ["statements inside functions are not counted; set pg_stat_statements.track to all"]
      : []),
    ...(computeQueryId === "off" ? ["compute_query_id is off"] : []),
    ...(exceptions ? ["a role or database has settings of its own for pg_stat_statements"] : []),
  ];
}

/**
 * Evictions are counted from 1.9 on. Before that: one makes room for a twentieth of the entries, so where there is room for a tenth, none
 * has happened.
 */
function doubtsAboutEvictions(evictions: number | null, entries: number, max: number): string[] {
  if (evictions === null ? entries < 0.9 * max : evictions === 0) return [];
  return ["statements were evicted to make room; raise pg_stat_statements.max"];
}

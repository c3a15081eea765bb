import type { EvidenceView } from "../evidence/view.ts";
import { type AffectedQuery, affectedQueries, affectedTables } from "../rule-support/affected-queries.ts";
import type { MigrationAnalysis, TableReference } from "../sql/change.ts";
import { readQuery } from "../sql/read-query.ts";
import type { ObjectName } from "../values.ts";
import { selectQueries } from "./select-queries.ts";

export interface GivenQuery {
  /** The file that it comes from. */
  name: string;
  text: string;
}

export interface AffectedWorkload {
  tables: readonly ObjectName[];
  /** Given queries, and those of the workload that take most of the time. */
  chosen: (AffectedQuery | GivenQuery)[];
  leftOut: AffectedQuery[];
  /** Statements of the workload that cannot be parsed. */
  unreadable: number;
  /** Given queries that read no table which the migration touches. */
  unaffected: GivenQuery[];
  /** Given queries that cannot be parsed. */
  unparsed: GivenQuery[];
}

/** The queries of the known workload, and those given, whose plans the migration may change; by total time. */
export function affectedWorkload(
  analysis: MigrationAnalysis,
  evidence: EvidenceView,
  given: readonly GivenQuery[],
  coverage: number,
): AffectedWorkload {
  const known = affectedQueries(analysis, { ...evidence, plans: [] });
  const groups = affectedTables(analysis).map((table) => readersOf(table, analysis, evidence, known.queries));
  const { chosen, leftOut } = selectQueries(known.queries, groups, coverage);
  const rows = given.map(({ text }) => ({ query: text, totalMs: null }));
  const asked = affectedQueries(analysis, { ...evidence, statements: { complete: false, rows }, plans: [] });
  const affected = new Set(asked.queries.map(({ fingerprint }) => fingerprint));
  const read = given.map((query) => ({ query, fingerprint: readQuery(query.text)?.fingerprint ?? null }));
  const where = (wanted: (fingerprint: string | null) => boolean) =>
    read.filter(({ fingerprint }) => wanted(fingerprint)).map(({ query }) => query);
  return {
    tables: known.tables,
    chosen: [...where((fingerprint) => fingerprint !== null && affected.has(fingerprint)), ...chosen],
    leftOut,
    unreadable: known.unreadable,
    unaffected: where((fingerprint) => fingerprint !== null && !affected.has(fingerprint)),
    unparsed: where((fingerprint) => fingerprint === null),
  };
}

/** Fingerprints of the queries that read one table, through views and partitions too. */
function readersOf(
  table: TableReference,
  analysis: MigrationAnalysis,
  evidence: EvidenceView,
  queries: readonly AffectedQuery[],
): ReadonlySet<string> {
  const changes = analysis.changes.filter(({ affectsQueryPlans }) => affectsQueryPlans).slice(0, 1);
  const alone = { ...analysis, changes: changes.map((change) => ({ ...change, tables: [table] })) };
  const rows = queries.map(({ text, totalMs }) => ({ query: text, totalMs }));
  const { queries: readers } = affectedQueries(alone, { ...evidence, statements: { complete: true, rows }, plans: [] });
  return new Set(readers.map(({ fingerprint }) => fingerprint));
}

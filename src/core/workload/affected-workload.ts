import type { EvidenceView } from "../evidence/view.ts";
import { type AffectedQuery, affectedQueries } from "../rule-support/affected-queries.ts";
import type { MigrationAnalysis } from "../sql/change.ts";
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
  const { chosen, leftOut } = selectQueries(known.queries, known.tables, coverage);
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

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
  chosen: AffectedQuery[];
  leftOut: AffectedQuery[];
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
  const rows = given.map(({ text }) => ({ query: text, totalMs: null }));
  const statements = {
    complete: evidence.statements?.complete ?? false,
    rows: [...(evidence.statements?.rows ?? []), ...rows],
  };
  const { tables, queries, unreadable } = affectedQueries(analysis, { ...evidence, statements, plans: [] });
  const fingerprints = new Set(given.map(({ text }) => readQuery(text)?.fingerprint));
  const [asked, others] = [true, false].map((wanted) =>
    queries.filter(({ fingerprint }) => fingerprints.has(fingerprint) === wanted),
  );
  const selection = selectQueries(others ?? [], tables, coverage);
  const affected = new Set(queries.map(({ fingerprint }) => fingerprint));
  const unparsed = given.filter(({ text }) => readQuery(text) === null);
  return {
    tables,
    chosen: [...(asked ?? []), ...selection.chosen],
    leftOut: selection.leftOut,
    unreadable: unreadable - unparsed.length,
    unaffected: given.filter(({ text }) => {
      const reading = readQuery(text);
      return reading !== null && !affected.has(reading.fingerprint);
    }),
    unparsed,
  };
}

import { describeFlip, type Flip } from "../query-plan/compare.ts";
import type { RuleContext, RuleFinding } from "../rules/rule.ts";
import { displayName, type ObjectName, type SourceLocation, sameObject } from "../values.ts";
import { type AffectedQueries, type AffectedQuery, affectedQueries } from "./affected-queries.ts";
import { counted, failed, inconclusive, listed, passed } from "./findings.ts";
import { observeIndex } from "./observation.ts";
import { judgeQuery, type PlanRequirements, type QueryVerdict, regresses, unprovenShare } from "./plan-evidence.ts";

export interface PlanJudgement extends PlanRequirements {
  /** The share of the affected queries' total time that must have sound plans. */
  minCoverage: number;
  /** Help for missing plans; begins with a verb. */
  obtain: string;
}

/** What the query plans in the evidence say about the queries that a migration affects. */
export function judgePlans(context: RuleContext, judgement: PlanJudgement): RuleFinding[] {
  const affected = affectedQueries(context.analysis, context.evidence);
  const homeless = unknownTableFindings(context);
  if (affected.tables.length === 0 && homeless.length === 0) {
    return [passed("migrations", "No index, constraint, column type or partition is taken away or changed.")];
  }
  const verdicts = affected.queries.map((query) => judgeQuery(query, context, judgement));
  const location = firstLocation(context);
  const findings = [
    ...homeless,
    ...verdicts.flatMap((verdict) => regressionFinding(verdict, location)),
    ...missingFindings(verdicts, judgement, location),
    ...workloadFindings(affected, context, judgement, location),
  ];
  if (findings.length > 0) return findings;
  const tables = listed(affected.tables.map(displayName));
  return [passed(tables, unharmedText(affected.queries.length, tables), location)];
}

/** What is dropped and belongs to a table that the evidence does not show may serve any query. SQL that cannot be read is `opaque-sql`'s. */
function unknownTableFindings({ analysis }: RuleContext): RuleFinding[] {
  return analysis.changes
    .filter((change) => change.affectsQueryPlans && change.tables.length === 0 && change.kind !== "opaque")
    .map((change) => {
      const object = change.kind === "drop-index" ? displayName(change.index) : "an object";
      return inconclusive({
        subject: object,
        message: `The evidence does not show which table ${object} belongs to, so the queries that may need it are not known.`,
        help: "Add an evidence bundle with the catalogue of this database.",
        location: change.statement.location,
      });
    });
}

function unharmedText(queries: number, tables: string): string {
  if (queries === 0) return `No query of the known workload reads ${tables}.`;
  if (queries === 1) return `The plan of the one query that reads ${tables} does not get worse.`;
  return `The plans of the ${queries} queries that read ${tables} do not get worse.`;
}

function firstLocation({ analysis }: RuleContext): SourceLocation | null {
  return analysis.changes.find(({ affectsQueryPlans }) => affectsQueryPlans)?.statement.location ?? null;
}

function regressionFinding({ query, pairs }: QueryVerdict, location: SourceLocation | null): RuleFinding[] {
  const worse = pairs.filter(regresses);
  const [first] = worse;
  if (first === undefined) return [];
  const flips = [...new Set(worse.flatMap(({ comparison }) => comparison.flips.map(describeFlip)))];
  const ratio = Math.max(...worse.map(({ comparison }) => comparison.costRatio ?? 0));
  const cost = ratio > 1 ? `its cost grows ${ratio.toFixed(1)} times` : null;
  const what = [...flips, ...(cost === null ? [] : [cost])];
  return [
    failed({
      subject: shortQuery(query),
      message: `The query plan gets worse: ${what.join("; ")}.`,
      help: "Keep the index that the query is read through, or ship one that serves it first.",
      location,
      details: {
        query: query.text,
        flips: worse.flatMap(({ comparison }) => comparison.flips.map(flipDetails)),
        costRatio: ratio === 0 ? null : ratio,
        before: first.before.server.name,
        after: first.after.server.name,
      },
    }),
  ];
}

function flipDetails({
  kind,
  alias,
  relation,
  partitions,
  indexes,
  before,
  after,
  size,
}: Flip): Record<string, unknown> {
  return {
    kind,
    alias,
    relation: displayName(relation),
    partitions,
    indexes,
    before,
    after,
    rows: size?.rows ?? null,
  };
}

function missingFindings(
  verdicts: readonly QueryVerdict[],
  judgement: PlanJudgement,
  location: SourceLocation | null,
): RuleFinding[] {
  if (unprovenShare(verdicts) <= 1 - judgement.minCoverage) return [];
  return verdicts
    .filter(({ doubts }) => doubts.length > 0)
    .map(({ query, doubts }) =>
      inconclusive({
        subject: shortQuery(query),
        message: `Nothing shows how this query will be planned: ${doubts.join("; ")}.`,
        help: judgement.obtain,
        location,
        details: { query: query.text, totalMs: query.totalMs },
      }),
    );
}

/** Without the whole workload, queries that nobody listed may depend on what goes. */
function workloadFindings(
  { tables, queries, unreadable }: AffectedQueries,
  context: RuleContext,
  { obtain }: PlanJudgement,
  location: SourceLocation | null,
): RuleFinding[] {
  if (tables.length === 0) return [];
  const subject = listed(tables.map(displayName));
  const { evidence } = context;
  const why =
    evidence.statements === null
      ? "the evidence has no workload (statements)"
      : !evidence.statements.complete
        ? "the workload in the evidence is not complete"
        : unreadable > 0
          ? `${counted(unreadable, "statement")} of the workload cannot be read`
          : queries.length === 0
            ? scannedAnyway(tables, context)
            : null;
  if (why === null) return [];
  return [
    inconclusive({
      subject,
      message: `Which queries depend on ${subject} is not known: ${why}.`,
      help: `Add the statements of pg_stat_statements to the evidence, all of them. ${obtain}`,
      location,
    }),
  ];
}

/**
 * Statistics of statements that were reset or cut know no reader of a table whose indexes are scanned. Unique indexes are left out: checks
 * of foreign keys scan them, and are no statements.
 */
function scannedAnyway(tables: readonly ObjectName[], { evidence, at }: RuleContext): string | null {
  const indexes = (evidence.catalog?.indexes ?? []).filter(
    ({ schema, table, unique }) => !unique && tables.some((one) => sameObject(one, { schema, name: table })),
  );
  for (const node of evidence.nodes) {
    for (const index of indexes) {
      const { scans } = observeIndex(node, index, evidence.catalog, at, scanWindow);
      if (scans !== null && scans > 0) {
        return `the workload has no query that reads it, and yet ${displayName(index)} has ${counted(scans, "scan")} on ${node.name}`;
      }
    }
  }
  return null;
}

/** A month's end is in it, as in what index-usage asks for by default. */
const scanWindow = { observedFor: 35 * 24 * 3_600_000, maxAge: Number.POSITIVE_INFINITY };

/** One line, at most 60 characters. */
function shortQuery({ text }: AffectedQuery): string {
  const line = text.split(/\s+/).filter(Boolean).join(" ");
  return line.length <= 60 ? line : `${line.slice(0, 59)}…`;
}

import type { PlanEvidence } from "../evidence/bundle.ts";
import { isLower } from "../evidence/usable.ts";
import type { PlanRecord } from "../evidence/view.ts";
import { comparePlans, type PlanComparison } from "../query-plan/compare.ts";
import { parseQueryPlan } from "../query-plan/parse.ts";
import { nodesOf, type QueryPlan } from "../query-plan/query-plan.ts";
import { QueryPlanError } from "../query-plan/query-plan-error.ts";
import type { RuleContext } from "../rules/rule.ts";
import { formatDuration, sameObject } from "../values.ts";
import type { AffectedQuery } from "./affected-queries.ts";
import { utcMinute } from "./findings.ts";

export interface PlanRequirements {
  /** Milliseconds. */
  maxAge: number;
  maxCostRatio: number;
  smallTableRows: number;
  source: "replica" | "any";
  methods: { before: readonly PlanEvidence["method"][]; after: readonly PlanEvidence["method"][] };
}

export interface JudgedPair {
  before: PlanRecord;
  after: PlanRecord;
  comparison: PlanComparison;
}

export interface QueryVerdict {
  query: AffectedQuery;
  /** Every before with every after of the same parameters. What flips counts, even where a plan is too old to prove that nothing does. */
  pairs: readonly JudgedPair[];
  /** What stops the plans from proving that the query is safe: clauses about "it". Empty: they prove it, if no pair says otherwise. */
  doubts: readonly string[];
}

export function judgeQuery(query: AffectedQuery, context: RuleContext, requirements: PlanRequirements): QueryVerdict {
  const { methods } = requirements;
  const befores = query.plans.filter(
    ({ evidence }) => evidence.phase === "before" && methods.before.includes(evidence.method),
  );
  const afters = query.plans.filter(
    ({ evidence }) => evidence.phase === "after" && methods.after.includes(evidence.method),
  );
  const ofThisRequest = afters.filter(({ evidence }) => evidence.migrationsDigest === context.migrationsDigest);
  const pairs: JudgedPair[] = [];
  const doubts = [
    ...beforeDoubts(befores, context.at, requirements),
    ...afterDoubts(afters, ofThisRequest, context.at, requirements.maxAge),
  ];
  for (const before of befores) {
    const matching = ofThisRequest.filter((after) => parametersOf(after) === parametersOf(before));
    if (matching.length === 0 && ofThisRequest.length > 0)
      doubts.push("it has no after plan with the parameters of its before plan");
    for (const after of matching) {
      const result = compare(before, after, query, context, requirements);
      if (typeof result === "string") {
        doubts.push(result);
        continue;
      }
      pairs.push({ before, after, comparison: result });
      if (result.costRatio === null) doubts.push("its plans do not both show costs (COSTS OFF)");
    }
  }
  return { query, pairs, doubts: [...new Set(doubts)] };
}

function beforeDoubts(befores: readonly PlanRecord[], at: Date, { source, maxAge }: PlanRequirements): string[] {
  if (befores.length === 0)
    return [source === "replica" ? "it has no before plan taken on a replica" : "it has no before plan"];
  const fromSource = befores.filter(({ server }) => source === "any" || server.role === "replica");
  if (fromSource.length === 0) return ["its before plan was taken on the primary, not on a replica"];
  const decisive = fromSource.filter(
    ({ server, trust }) =>
      !fromSource.some((other) => other.server.name === server.name && isLower(trust, other.trust)),
  );
  return staleness("before", decisive, at, maxAge);
}

function afterDoubts(all: readonly PlanRecord[], own: readonly PlanRecord[], at: Date, maxAge: number): string[] {
  if (all.length === 0) return ["it has no after plan"];
  if (own.length === 0) return ["its after plan was made with other migrations than these (migrationsDigest)"];
  // Made on clones, after plans are not of a server: any of a higher trust goes first.
  const decisive = own.filter(({ trust }) => !own.some((other) => isLower(trust, other.trust)));
  return staleness("after", decisive, at, maxAge);
}

function staleness(phase: string, plans: readonly PlanRecord[], at: Date, maxAge: number): string[] {
  const newest = new Date(Math.max(...plans.map(({ capturedAt }) => capturedAt.getTime())));
  if (at.getTime() - newest.getTime() <= maxAge) return [];
  return [`its ${phase} plan is from ${utcMinute(newest)}, older than ${formatDuration(maxAge)}`];
}

function parametersOf({ evidence }: PlanRecord): string {
  return JSON.stringify(evidence.parameters ?? null);
}

/** A string: why the two cannot be compared. */
function compare(
  before: PlanRecord,
  after: PlanRecord,
  query: AffectedQuery,
  { evidence }: RuleContext,
  { maxCostRatio, smallTableRows }: PlanRequirements,
): PlanComparison | string {
  const parsed = { before: read(before), after: read(after) };
  if (typeof parsed.before === "string") return `its before plan cannot be read (${parsed.before})`;
  if (typeof parsed.after === "string") return `its after plan cannot be read (${parsed.after})`;
  if (after.evidence.method === "hypopg" && parsed.after.hasActuals) {
    return "its after plan was executed (ANALYZE), which shows the plan with the index that hypopg hides";
  }
  for (const [phase, plan] of [
    ["before", parsed.before],
    ["after", parsed.after],
  ] as const) {
    if (!isPlanOf(plan, query)) return `its ${phase} plan reads none of its tables, so it is the plan of another query`;
  }
  const differing = differingSetting(before, after) ?? differingInPlans(parsed.before, parsed.after);
  if (differing !== null) return `its plans were made with different settings (${differing})`;
  const comparison = comparePlans(parsed.before, parsed.after, {
    maxCostRatio,
    smallTableRows,
    tableRows: (table) => evidence.tableRows(table),
  });
  return comparison.comparable ? comparison : `its plans cannot be compared (${comparison.reason})`;
}

function read({ evidence }: PlanRecord): QueryPlan | string {
  try {
    return parseQueryPlan(evidence.plan);
  } catch (error) {
    if (error instanceof QueryPlanError) return error.message;
    throw error;
  }
}

/** Settings that either side does not tell are not held against it. */
function differingSetting(before: PlanRecord, after: PlanRecord): string | null {
  const own = new Map(Object.entries(before.settings));
  const differing = Object.entries(after.settings).find(([name, value]) => own.has(name) && own.get(name) !== value);
  return differing === undefined ? null : `${differing[0]}: ${own.get(differing[0])} before, ${differing[1]} after`;
}

/** EXPLAIN (SETTINGS) prints what differs from the default. What forbids a kind of node is held against a plan whose other half does not tell. */
function differingInPlans(before: QueryPlan, after: QueryPlan): string | null {
  const both = before.settings.size > 0 && after.settings.size > 0;
  const names = new Set([...before.settings.keys(), ...after.settings.keys()]);
  for (const name of names) {
    const values = [before, after].map(({ settings }) => settings.get(name) ?? "default");
    if (values[0] !== values[1] && (both || name.startsWith("enable_"))) {
      return `${name}: ${values[0]} before, ${values[1]} after`;
    }
  }
  return null;
}

/** A plan without any table is one of the query if the planner saw that no row can qualify. */
function isPlanOf({ root }: QueryPlan, { relations }: AffectedQuery): boolean {
  const nodes = [...nodesOf(root)];
  const read = nodes.flatMap(({ relation }) => relation ?? []);
  if (read.length > 0) return read.some((one) => relations.some((other) => sameObject(one, other)));
  return nodes.some(
    ({ properties, subplansRemoved }) => properties.get("One-Time Filter") === "false" || subplansRemoved > 0,
  );
}

/** Does the pair show that the query gets worse? */
export function regresses({ comparison }: JudgedPair): boolean {
  return comparison.flips.length > 0 || comparison.costExceeded;
}

/** The part of the affected queries' known total time that has no sound plans: 0 … 1. Without known times, any query counts as all of it. */
export function unprovenShare(verdicts: readonly QueryVerdict[]): number {
  const unproven = verdicts.filter(({ doubts }) => doubts.length > 0);
  if (unproven.length === 0) return 0;
  if (unproven.some(({ query }) => query.totalMs === null)) return 1;
  const total = (of: readonly QueryVerdict[]) => of.reduce((sum, { query }) => sum + (query.totalMs ?? 0), 0);
  const all = total(verdicts);
  return all === 0 ? 1 : total(unproven) / all;
}

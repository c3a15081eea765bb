import type { EvidenceBundleInput } from "../../core/evidence/bundle.ts";
import type { ValuesPolicy } from "../../core/evidence/statistics.ts";
import type { AffectedWorkload } from "../../core/workload/affected-workload.ts";
import { readQueryText } from "../../core/workload/query-text.ts";
import type { Session } from "../servers/session.ts";
import { explainVariant, type Variant } from "./explain-query.ts";
import { whyNotToRun } from "./safe-to-run.ts";
import { readIdentity } from "./server-identity.ts";
import { variantsOf } from "./variants.ts";

type PlanRecord = NonNullable<EvidenceBundleInput["plans"]>[number];
export type PlansMissing = NonNullable<EvidenceBundleInput["plansMissing"]>[number];

/** A query with the variants that were planned before, and are to be planned after. */
export interface PlannedQuery {
  queryId: string | null;
  text: string;
  /** It only reads, so that it may be executed. */
  mayRun: boolean;
  variants: Variant[];
}

interface Target {
  session: Session;
  values: ValuesPolicy;
  analyze: boolean;
  now(): Date;
}

export async function beforePlans(
  target: Target,
  queries: AffectedWorkload["chosen"],
  queryIds: ReadonlyMap<string, string>,
) {
  const { session, values, analyze } = target;
  const serverMajor = (await readIdentity(session)).major;
  const records: PlanRecord[] = [];
  const missing: PlansMissing[] = [];
  const planned: PlannedQuery[] = [];
  const remarks: string[] = [];
  for (const query of queries) {
    const { text } = query;
    const refuse = (reason: string) => missing.push({ query: text, phase: "before", reason });
    const read = readQueryText(text);
    const variants = read.ok
      ? await variantsOf(session, read.query, values, "name" in query ? query.name : null)
      : read;
    if (!variants.ok) {
      refuse(variants.reason);
      continue;
    }
    const whyNot = analyze ? await whyNotToRun(session, text) : null;
    if (whyNot !== null) remarks.push(`Planned without executing it, since ${whyNot}: ${text}`);
    if (variants.onlyGeneric !== null) remarks.push(`Only a generic plan (${variants.onlyGeneric}): ${text}`);
    const mayRun = analyze && whyNot === null;
    const plannedQuery: PlannedQuery = { queryId: queryIds.get(text) ?? null, text, mayRun, variants: [] };
    for (const variant of variants.variants) {
      const execute = mayRun && !variant.generic;
      const explained = await explainVariant(session, variant, { execute, serverMajor });
      if (!explained.ok) {
        refuse(`${variant.name}: ${explained.reason}`);
        continue;
      }
      plannedQuery.variants.push(variant);
      const method = explained.executed ? "explain-analyze" : "explain";
      records.push({
        ...recordOf(plannedQuery, variant, target),
        phase: "before",
        method,
        plan: jsonPlan(explained.plan),
      });
    }
    planned.push(plannedQuery);
  }
  return { records, missing, planned, remarks };
}

export interface AfterContext {
  server: NonNullable<PlanRecord["server"]>;
  /** Where they are not those of the bundle's server. */
  settings?: Record<string, string>;
  migrationsDigest: string;
}

/** The same queries with the same values, where the migration has been applied. */
export async function afterPlans(target: Target, planned: readonly PlannedQuery[], context: AfterContext) {
  const serverMajor = (await readIdentity(target.session)).major;
  const records: PlanRecord[] = [];
  const missing: PlansMissing[] = [];
  for (const query of planned) {
    for (const variant of query.variants) {
      const execute = query.mayRun && !variant.generic;
      const explained = await explainVariant(target.session, variant, { execute, serverMajor });
      if (!explained.ok) {
        missing.push({ query: query.text, phase: "after", reason: `${variant.name}: ${explained.reason}` });
        continue;
      }
      const own = { ...recordOf(query, variant, target), ...context };
      records.push({ ...own, phase: "after", method: "clone", plan: jsonPlan(explained.plan) });
    }
  }
  return { records, missing };
}

function recordOf({ queryId, text }: PlannedQuery, { recorded, note }: Variant, { now }: Target) {
  return {
    ...(queryId !== null && { queryId }),
    query: text,
    parameters: recorded === null ? null : [...recorded],
    capturedAt: now().toISOString(),
    ...(note !== null && { note }),
  };
}

/** EXPLAIN (FORMAT JSON) gives an array with one element. */
function jsonPlan(plan: unknown): unknown[] {
  return Array.isArray(plan) ? plan : [plan];
}

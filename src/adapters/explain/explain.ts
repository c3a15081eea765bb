import type { EvidenceBundleInput } from "../../core/evidence/bundle.ts";
import { parseEvidence, type TrustedBundle } from "../../core/evidence/bundle.ts";
import type { ValuesPolicy } from "../../core/evidence/statistics.ts";
import { buildEvidenceView } from "../../core/evidence/view.ts";
import { type Migration, type MigrationFormat, migrationsDigest } from "../../core/request.ts";
import { analyzeMigrations } from "../../core/sql/analyze.ts";
import type { MigrationAnalysis } from "../../core/sql/change.ts";
import { readQuery } from "../../core/sql/read-query.ts";
import { type AffectedWorkload, affectedWorkload, type GivenQuery } from "../../core/workload/affected-workload.ts";
import type { ServerAddress } from "../servers/server-address.ts";
import { ServerError } from "../servers/server-error.ts";
import { openSession, type Session, type SessionTimeouts } from "../servers/session.ts";
import { applyMigrations, refuseUnrunnable } from "./apply-migrations.ts";
import { refuseUnlessAlike } from "./compare-tables.ts";
import { adoptSettings } from "./planner-settings.ts";
import { afterPlans, beforePlans, type PlannedQuery, type PlansMissing } from "./plans.ts";
import { readIdentity, refuseUnlessClone } from "./server-identity.ts";

export interface ExplainRequest {
  replica: ServerAddress;
  /** null: only *before* plans. */
  clone: ServerAddress | null;
  /** `any`: the server may be a primary, where the cluster has no replica. */
  source: "replica" | "any";
  migrations: readonly Migration[];
  format: MigrationFormat;
  queries: readonly GivenQuery[];
  /** Bundles that add workload and catalogue. */
  evidence: readonly TrustedBundle[];
  /** 0 … 1 */
  coverage: number;
  /** Execute what only reads: EXPLAIN ANALYZE. */
  analyze: boolean;
  values: ValuesPolicy;
  timeouts: SessionTimeouts;
  /** For the statements of the migration, in milliseconds. */
  migrationTimeout: number;
  now(): Date;
  /** The bundle of the replica without plans. Reads the usage counters before anything is explained. */
  collect(server: ServerAddress): Promise<EvidenceBundleInput>;
}

export interface ExplainResult {
  bundle: EvidenceBundleInput;
  workload: AffectedWorkload;
  /** Plan records of each phase. */
  plans: { before: number; after: number };
  /** Without those that a clone would have given. */
  missing: PlansMissing[];
  /** For the reader. */
  remarks: string[];
}

/**
 * Query plans before a migration on a replica, and after it on a clone. `loadGrammar()` must have been awaited.
 * Throws ServerError and InputError; then there is no result at all.
 */
export async function explainMigrations(request: ExplainRequest): Promise<ExplainResult> {
  const open: Session[] = [];
  const session = async (server: ServerAddress, statement = request.timeouts.statement): Promise<Session> => {
    const opened = await openSession(server, { ...request.timeouts, statement });
    open.push(opened);
    return opened;
  };
  try {
    return await explainWith(request, session);
  } finally {
    await Promise.all(open.map((opened) => opened.close()));
  }
}

type OpenSession = (server: ServerAddress, statementTimeout?: number) => Promise<Session>;

async function explainWith(request: ExplainRequest, session: OpenSession): Promise<ExplainResult> {
  const replica = await session(request.replica);
  await refuseUnlessSource(replica, request.source);
  const clone = request.clone === null ? null : await session(request.clone);
  if (clone !== null) await refuseUnlessClone(clone, replica);
  const collected = await request.collect(request.replica);
  const { analysis, workload, remarks } = affected(request, collected);
  const target = { session: replica, values: request.values, analyze: request.analyze, now: request.now };
  const before = await beforePlans(target, workload.chosen, queryIds(collected));
  const missing = [...unexplained(workload), ...before.missing];
  remarks.push(...before.remarks);
  const records = [...before.records];
  const withoutClone: PlansMissing[] = [];
  if (clone === null) {
    remarks.push("There are no after plans: give --clone, a disposable copy to which the migration is applied.");
    withoutClone.push(
      ...before.planned.map(({ text }) => ({ query: text, phase: "after" as const, reason: "no clone was given" })),
    );
  } else {
    const after = await onClone({ request, session, clone, replica, analysis, workload, collected }, before.planned);
    records.push(...after.records);
    missing.push(...after.missing);
  }
  return {
    bundle: {
      ...collected,
      plans: records,
      ...(missing.length + withoutClone.length > 0 && { plansMissing: [...missing, ...withoutClone] }),
    },
    workload,
    plans: { before: before.records.length, after: records.length - before.records.length },
    missing,
    remarks,
  };
}

async function refuseUnlessSource(replica: Session, source: ExplainRequest["source"]): Promise<void> {
  const { inRecovery } = await readIdentity(replica);
  if (inRecovery || source === "any") return;
  const problem = "it is a primary, not a replica (pg_is_in_recovery() is false)";
  throw new ServerError(
    "not-a-replica",
    replica.server.label,
    problem,
    "give a standby, or --source any for a cluster without one",
  );
}

/** What the migration does, and to which queries. */
function affected(request: ExplainRequest, collected: EvidenceBundleInput) {
  const at = request.now();
  const bundles = [...parseEvidence(collected, request.replica.label, "asserted"), ...request.evidence];
  const view = buildEvidenceView(bundles, "asserted", at);
  if (view.nodes.length === 0) {
    throw new ServerError(
      "evidence-refused",
      request.replica.label,
      view.problems.join(" "),
      "give --evidence of this cluster",
    );
  }
  const { migrations, format } = request;
  const analysis = analyzeMigrations({ migrations, format, catalog: view.catalog });
  if (request.clone !== null) refuseUnrunnable(analysis);
  const workload = affectedWorkload(analysis, view, request.queries, request.coverage);
  const remarks = [
    ...view.problems,
    ...workload.unaffected.map(({ name }) => `${name} reads no table that the migration touches; it is not explained.`),
    ...(view.statements === null ? ["The workload is not known: pg_stat_statements could not be read."] : []),
    ...(view.statements?.complete === false
      ? ["The workload is not complete, so queries may be missing from it; the bundle's notes say why."]
      : []),
    ...(workload.unreadable > 0 ? [`${workload.unreadable} statements of the workload cannot be parsed.`] : []),
  ];
  return { analysis, workload, remarks };
}

function unexplained({ leftOut, unparsed }: AffectedWorkload): PlansMissing[] {
  return [
    ...leftOut.map(({ text }) => ({
      query: text,
      phase: null,
      reason: "the queries that were explained cover the wanted share of the time (--coverage)",
    })),
    ...unparsed.map(({ name, text }) => ({ query: text, phase: null, reason: `${name} cannot be parsed` })),
  ];
}

function queryIds({ statements }: EvidenceBundleInput): ReadonlyMap<string, string> {
  const rows = statements?.rows ?? [];
  return new Map(rows.flatMap(({ query, queryId }) => (queryId == null ? [] : [[query, queryId]])));
}

interface CloneWork {
  request: ExplainRequest;
  session: OpenSession;
  clone: Session;
  replica: Session;
  analysis: MigrationAnalysis;
  workload: AffectedWorkload;
  collected: EvidenceBundleInput;
}

async function onClone(work: CloneWork, planned: readonly PlannedQuery[]) {
  const { request, clone, replica, analysis, workload } = work;
  const read = workload.chosen.flatMap(({ text }) => readQuery(text)?.relations ?? []);
  await refuseUnlessAlike(clone, replica, [...workload.tables, ...read]);
  const settings = await adoptSettings(clone, replica);
  const inherited = JSON.stringify(settings) === JSON.stringify(work.collected.server.settings);
  // A session of its own, since a migration may change settings.
  const migrating = await work.session(clone.server, request.migrationTimeout);
  for (const table of await applyMigrations(migrating, analysis)) await migrating.run(`ANALYZE ${table}`);
  const { systemIdentifier } = await readIdentity(clone);
  const target = { session: clone, values: request.values, analyze: request.analyze, now: request.now };
  return afterPlans(target, planned, {
    server: { name: clone.server.name, role: "primary", systemIdentifier },
    ...(!inherited && { settings: { ...settings } }),
    migrationsDigest: migrationsDigest({ migrations: [...request.migrations] }),
  });
}

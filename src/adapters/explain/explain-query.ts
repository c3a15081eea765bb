import { DatabaseError } from "pg";
import { z } from "zod";
import type { ParameterSet } from "../../core/workload/parameter-sets.ts";
import { explainedStatementName } from "../../core/workload/query-text.ts";
import { redactPlan } from "../../core/workload/redact-plan.ts";
import { ServerError } from "../servers/server-error.ts";
import type { Session } from "../servers/session.ts";
import { literal } from "./quoted.ts";

/** A query with the parameters that it is planned with, the same before and after. */
export interface Variant {
  /** Which of several plans of one query this is, for messages: "with common values". */
  name: string;
  /** Planned for any values; `values` are only what PostgreSQL before 16 wants to see. */
  generic: boolean;
  values: ParameterSet["values"];
  /** What the plan's record says of the values; null: none. */
  recorded: ParameterSet["recorded"] | null;
  /** Values must not be shown. */
  withheld: boolean;
  /** SQL to plan. */
  text: string;
  /** Types of its parameters, as the server names them. */
  types: readonly string[];
  note: string | null;
}

export type Explained = { ok: true; plan: unknown; executed: boolean } | { ok: false; reason: string };

export interface ExplainOptions {
  /** Execute it (EXPLAIN ANALYZE). The caller has made sure that it only reads. */
  execute: boolean;
  serverMajor: number;
}

const planRow = z.object({ "QUERY PLAN": z.unknown() });
const recoveryConflict = "40001";
const canceled = "57014";
const insufficientPrivilege = "42501";

/** EXPLAIN in a read-only transaction that is rolled back. Throws ServerError where the session is lost. */
export async function explainVariant(session: Session, variant: Variant, options: ExplainOptions): Promise<Explained> {
  for (let attempt = 1; ; attempt++) {
    try {
      const plan = await explain(session, variant, options);
      return { ok: true, plan: shown(plan, variant.withheld), executed: options.execute };
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      if (error.code === recoveryConflict && attempt < 3) continue;
      if (options.execute) return explainVariant(session, variant, { ...options, execute: false });
      return { ok: false, reason: reasonOf(error, variant.withheld) };
    }
  }
}

function explain(session: Session, variant: Variant, { execute, serverMajor }: ExplainOptions): Promise<unknown> {
  const settings = `FORMAT JSON, VERBOSE, SETTINGS${execute ? ", ANALYZE" : ""}`;
  const { generic, text, types, values } = variant;
  return inReadOnlyTransaction(session, async () => {
    if (generic && serverMajor >= 16) return onlyPlan(session, `EXPLAIN (${settings}, GENERIC_PLAN) ${text}`);
    await session.run(`PREPARE ${explainedStatementName}${list(types)} AS ${text}`);
    await session.run(`SET LOCAL plan_cache_mode = force_${generic ? "generic" : "custom"}_plan`);
    return onlyPlan(session, `EXPLAIN (${settings}) EXECUTE ${explainedStatementName}${list(values.map(literal))}`);
  });
}

function list(items: readonly string[]): string {
  return items.length === 0 ? "" : ` (${items.join(", ")})`;
}

async function inReadOnlyTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const end = () => session.run("ROLLBACK; DEALLOCATE ALL");
  await session.run("BEGIN READ ONLY");
  let result: T;
  try {
    result = await work();
  } catch (error) {
    if (!(error instanceof ServerError)) await end();
    throw error;
  }
  await end();
  return result;
}

async function onlyPlan(session: Session, sql: string): Promise<unknown> {
  const [row] = await session.rows(planRow, sql);
  return row?.["QUERY PLAN"];
}

export type Prepared = { ok: true; types: string[] } | { ok: false; reason: string };

const typesRow = z.object({ types: z.array(z.string()) });

/** The types of the query's parameters as the server infers them. */
export async function parameterTypes(session: Session, text: string): Promise<Prepared> {
  try {
    const types = await inReadOnlyTransaction(session, async () => {
      await session.run(`PREPARE ${explainedStatementName} AS ${text}`);
      const sql = "SELECT parameter_types::text[] AS types FROM pg_prepared_statements WHERE name = $1";
      const [row] = await session.rows(typesRow, sql, [explainedStatementName]);
      return row?.types ?? [];
    });
    return { ok: true, types };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return { ok: false, reason: reasonOf(error, false) };
  }
}

/** The server's message may quote the values that the query was planned with. */
function reasonOf(error: DatabaseError, withheld: boolean): string {
  if (error.code === canceled) return "planning it took longer than the timeout";
  const reason = `PostgreSQL cannot plan it: ${withheld ? "" : `${error.message} `}(SQLSTATE ${error.code})`;
  return error.code === insufficientPrivilege ? `${reason}; EXPLAIN needs the privileges of the query` : reason;
}

/** Without each node's list of output columns, which is long and tells nothing of how rows are found. */
function shown(plan: unknown, withheld: boolean): unknown {
  const lean = withoutKeys(plan, new Set(["Output", "Query Identifier"]));
  return withheld ? redactPlan(lean) : lean;
}

function withoutKeys(value: unknown, keys: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutKeys(item, keys));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) => (keys.has(key) ? [] : [[key, withoutKeys(child, keys)]])),
  );
}

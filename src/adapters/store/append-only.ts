import type { PoolClient } from "pg";
import decisionsAndAudit from "./schema/0001_decisions_and_audit.sql";

/** The tables that hold the audit record. What stands in the database does not say which they are: it is what is being checked. */
export const appendOnlyTables = [
  "admissions",
  "audit_checkpoints",
  "audit_entries",
  "consumed_overrides",
  "decisions",
] as const;

/** The function's own text in the file that made it: what stands between the only two $$ there. */
const functionBody = decisionsAndAudit.split("$$")[1];

/** PostgreSQL writes the definition in one form, whoever has made the trigger. Nothing fires where `relhastriggers` says that there is none. */
const triggersSql = `
  SELECT format('%I.%I', 'plangate', name) AS table, trigger.oid IS NOT NULL AS found,
         trigger.tgenabled IN ('O', 'A') AND class.relhastriggers AS enabled,
         pg_get_triggerdef(trigger.oid) = 'CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ' || format('%I.%I', 'plangate', name)
           || ' FOR EACH STATEMENT EXECUTE FUNCTION plangate.refuse_change()' AS original
  FROM unnest($1::text[]) AS name
    LEFT JOIN pg_class AS class ON class.relnamespace = to_regnamespace('plangate') AND class.relname = name
    LEFT JOIN pg_trigger AS trigger ON trigger.tgrelid = class.oid AND trigger.tgname = 'append_only' AND NOT trigger.tgisinternal
  ORDER BY name`;

interface TriggerRow {
  table: string;
  found: boolean;
  enabled: boolean;
  original: boolean;
}

const functionSql = `
  SELECT prosrc = $1 AND lanname = 'plpgsql' AND NOT prosecdef AND proconfig IS NULL AS original
  FROM pg_proc JOIN pg_language AS language ON language.oid = prolang
  WHERE pronamespace = to_regnamespace('plangate') AND proname = 'refuse_change' AND pronargs = 0`;

/** For whom no such trigger fires: the setting stands for a role, for this database, or for the server. */
const silencedSql = `
  SELECT DISTINCT CASE WHEN setrole <> 0 THEN 'the role ' || pg_get_userbyid(setrole) ELSE 'the database' END AS where
  FROM pg_db_role_setting
  WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND EXISTS (SELECT FROM unnest(setconfig) AS setting WHERE lower(setting) = 'session_replication_role=replica')
  UNION ALL
  SELECT 'the server' FROM pg_settings
  WHERE name = 'session_replication_role' AND setting = 'replica' AND source IN ('global', 'environment variable', 'configuration file', 'command line')
  ORDER BY 1`;

/** Where the triggers that make the tables append-only are not as the schema made them. */
export async function triggerProblems(client: PoolClient): Promise<string[]> {
  const { rows: triggers } = await client.query<TriggerRow>(triggersSql, [appendOnlyTables]);
  const { rows: functions } = await client.query<{ original: boolean }>(functionSql, [functionBody]);
  const { rows: silenced } = await client.query<{ where: string }>(silencedSql);
  return [...triggers.flatMap(triggerProblem), ...functionProblem(functions[0]), ...silenced.map(silencedProblem)];
}

function triggerProblem({ table, found, enabled, original }: TriggerRow): string[] {
  const what = `the trigger append_only on ${table}`;
  if (!found) return [`${what} is missing: its rows can be changed and deleted`];
  if (!enabled) return [`${what} is disabled: its rows can be changed and deleted`];
  return original ? [] : [`${what} was changed: it is not the one that plangate migrate makes`];
}

function functionProblem(found: { original: boolean } | undefined): string[] {
  const what = "the function plangate.refuse_change, which the triggers append_only call,";
  if (found === undefined) return [`${what} is missing`];
  return found.original ? [] : [`${what} was changed: it may refuse nothing`];
}

function silencedProblem({ where }: { where: string }): string {
  return `session_replication_role = replica is set for ${where}: there no trigger append_only fires`;
}

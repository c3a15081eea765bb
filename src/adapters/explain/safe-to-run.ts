import { z } from "zod";
import type { ObjectName } from "../../core/values.ts";
import { executionRisks, type NamesToCheck } from "../../core/workload/execution-risks.ts";
import { readQueryText } from "../../core/workload/query-text.ts";
import type { Session } from "../servers/session.ts";
import { quoted } from "./quoted.ts";

const viewDepth = 20;

/**
 * Why EXPLAIN ANALYZE must not execute this query; null: it only reads. Whatever is not PostgreSQL's own and known to be
 * harmless, or cannot be looked up, is a reason.
 */
export async function whyNotToRun(session: Session, text: string, depth = 0): Promise<string | null> {
  const read = readQueryText(text);
  if (!read.ok) return read.reason;
  const risks = executionRisks(read.query.node);
  if (!risks.mayRun) return risks.reason;
  if (depth > viewDepth) return `its views are nested deeper than ${viewDepth} levels`;
  return (await objectRisk(session, risks.names)) ?? (await relationRisk(session, risks.names.relations, depth));
}

const found = z.object({ risk: z.string() });

/** Overloads anywhere count, since the search path decides which one is called. */
const objectRisks = `
  SELECT risk FROM (
    SELECT 'it may call the function ' || p.oid::regprocedure AS risk
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.proname = ANY ($1) AND (p.provolatile = 'v' OR p.pronamespace <> 'pg_catalog'::regnamespace
      AND (p.prokind = 'a' OR l.lanname NOT IN ('internal', 'c')))
    UNION ALL
    SELECT 'it may call the function ' || p.oid::regprocedure
    FROM pg_proc p
    WHERE p.proname = ANY ($2) AND p.pronargs > 0 AND p.pronamespace <> 'pg_catalog'::regnamespace
    UNION ALL
    SELECT 'it may use the operator ' || o.oid::regoperator
    FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode JOIN pg_language l ON l.oid = p.prolang
    WHERE o.oprname = ANY ($3) AND o.oprnamespace <> 'pg_catalog'::regnamespace
      AND (p.provolatile = 'v' OR l.lanname NOT IN ('internal', 'c'))
    UNION ALL
    SELECT format('it may use the cast from %s to %s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL))
    FROM pg_cast c JOIN pg_proc p ON p.oid = c.castfunc JOIN pg_language l ON l.oid = p.prolang
    WHERE p.pronamespace <> 'pg_catalog'::regnamespace AND (p.provolatile = 'v' OR l.lanname NOT IN ('internal', 'c'))
    UNION ALL
    SELECT 'it casts to ' || t.oid::regtype
    FROM pg_type t
    WHERE t.typname = ANY ($4) AND t.typnamespace <> 'pg_catalog'::regnamespace AND t.typtype NOT IN ('e', 'b')
  ) AS risks LIMIT 1`;

async function objectRisk(session: Session, names: NamesToCheck): Promise<string | null> {
  const [row] = await session.rows(found, objectRisks, [
    names.functions,
    names.attributes,
    names.operators,
    names.types.map(({ name }) => name),
  ]);
  return row?.risk ?? null;
}

const relationRow = z.object({
  name: z.string(),
  kind: z.string().nullable(),
  risk: z.string().nullable(),
  definition: z.string().nullable(),
});

/** A name that is no relation is a CTE's, or else the query fails by itself. */
const relationRisks = `
  SELECT c.oid::regclass::text AS name, c.relkind::text AS kind,
    CASE
      WHEN c.relrowsecurity THEN 'has row security'
      WHEN EXISTS (
        WITH RECURSIVE tree AS (
          SELECT c.oid UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.oid
        ) SELECT FROM tree JOIN pg_class r ON r.oid = tree.oid WHERE r.relkind = 'f'
      ) THEN 'is read from another server'
    END AS risk,
    CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END AS definition
  FROM unnest($1::text[]) AS given(name) JOIN pg_class c ON c.oid = to_regclass(given.name)`;

async function relationRisk(session: Session, relations: readonly ObjectName[], depth: number): Promise<string | null> {
  const names = [...new Set(relations.map(quoted))];
  for (const { name, kind, risk, definition } of await session.rows(relationRow, relationRisks, [names])) {
    if (risk !== null) return `${name} ${risk}`;
    if (definition !== null) {
      const inside = await whyNotToRun(session, definition, depth + 1);
      if (inside !== null) return `the view ${name}: ${inside}`;
    } else if (kind !== "r" && kind !== "p" && kind !== "m") return `${name} is no table or view`;
  }
  return null;
}

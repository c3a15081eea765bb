import { escapeIdentifier, type PoolClient } from "pg";
import { appendOnlyTables } from "./append-only.ts";
import { type Database, StoreError } from "./connection.ts";

/**
 * Lets `role` do in the store what a gate does, and nothing else: append-only tables get SELECT and INSERT. Whatever it was granted there before is taken away. To be run by the owner. Throws StoreError `bad-gate-role`.
 */
export function grantToGate(database: Database, role: string): Promise<void> {
  return database.transaction(async (client) => {
    await requireRestrained(client, role);
    const name = escapeIdentifier(role);
    await client.query(`REVOKE ALL ON SCHEMA plangate FROM ${name}; GRANT USAGE ON SCHEMA plangate TO ${name}`);
    const { rows } = await client.query<{ table: string; privileges: string }>(tablesSql, [appendOnlyTables]);
    for (const { table, privileges } of rows) {
      await client.query(`REVOKE ALL ON ${table} FROM PUBLIC, ${name}; GRANT ${privileges} ON ${table} TO ${name}`);
    }
    await client.query(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA plangate TO ${name}`);
  });
}

const tablesSql = `
  SELECT format('%I.%I', 'plangate', relname) AS table,
         CASE WHEN relname = 'schema_migrations' THEN 'SELECT'
              WHEN relname = ANY ($1) THEN 'SELECT, INSERT'
              ELSE 'SELECT, INSERT, UPDATE, DELETE' END AS privileges
  FROM pg_class WHERE relnamespace = 'plangate'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname`;

/** Whom grants cannot hold back: superusers, and who is a member of the owner. */
const roleSql = `
  SELECT rolsuper AS superuser,
         EXISTS (SELECT FROM pg_class WHERE relnamespace = 'plangate'::regnamespace AND pg_has_role(role.oid, relowner, 'MEMBER')) AS owner
  FROM pg_roles AS role WHERE rolname = $1`;

async function requireRestrained(client: PoolClient, role: string): Promise<void> {
  const { rows } = await client.query<{ superuser: boolean; owner: boolean }>(roleSql, [role]);
  const [found] = rows;
  if (found === undefined) {
    throw bad(`There is no role ${role}. Make it: CREATE ROLE ${escapeIdentifier(role)} LOGIN;`);
  }
  if (found.superuser) throw bad(`The role ${role} is a superuser, whom no grant holds back. Name another role.`);
  if (found.owner) {
    throw bad(
      `The role ${role} owns the tables, or may act as their owner. Run this as another role, which owns them.`,
    );
  }
}

function bad(message: string): StoreError {
  return new StoreError("bad-gate-role", message);
}

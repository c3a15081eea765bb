import type { PoolClient } from "pg";
import { appendOnlyTables } from "./append-only.ts";

/** What the roles of the database may do that only the tables' owner should. */
export interface Separation {
  problems: string[];
  /** null: a role of the gates' own was granted what it needs, so there is something to check. */
  note: string | null;
}

/** Who was granted INSERT is a gate's role, or passes for one. What counts is what it may do, by whatever grant or membership. */
const rolesSql = `
  WITH stored AS (
    SELECT class.oid, relname, relowner, relacl FROM pg_class AS class
    WHERE relnamespace = to_regnamespace('plangate') AND relname = ANY ($1)
  ), gate AS (
    SELECT DISTINCT role.oid, rolname, rolsuper
    FROM stored, aclexplode(relacl) AS granted JOIN pg_roles AS role ON role.oid = grantee
    WHERE privilege_type = 'INSERT' AND grantee <> relowner
  )
  SELECT rolname AS role, rolsuper AS superuser, format('%I.%I', 'plangate', relname) AS object, pg_has_role(gate.oid, relowner, 'MEMBER') AS owner,
         array(SELECT privilege FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS privilege
               WHERE has_table_privilege(gate.oid, stored.oid, privilege)
                  OR privilege = 'UPDATE' AND has_any_column_privilege(gate.oid, stored.oid, privilege)) AS privileges
  FROM gate, stored
  UNION ALL
  SELECT rolname, rolsuper, 'the schema plangate', pg_has_role(gate.oid, nspowner, 'MEMBER'),
         array(SELECT 'CREATE' WHERE has_schema_privilege(gate.oid, schema.oid, 'CREATE'))
  FROM gate, pg_namespace AS schema WHERE nspname = 'plangate'
  UNION ALL
  SELECT rolname, rolsuper, 'the function plangate.refuse_change', pg_has_role(gate.oid, proowner, 'MEMBER'), '{}'
  FROM gate, pg_proc WHERE pronamespace = to_regnamespace('plangate') AND proname = 'refuse_change'
  ORDER BY role, object`;

interface RoleRow {
  role: string;
  superuser: boolean;
  object: string;
  owner: boolean;
  privileges: string[];
}

export async function checkSeparation(client: PoolClient): Promise<Separation> {
  const { rows } = await client.query<RoleRow>(rolesSql, [appendOnlyTables]);
  if (rows.length > 0) return { problems: [...new Set(rows.flatMap(roleProblem))], note: null };
  const note =
    "no role but the tables' owner was granted to write here, so the gates themselves could change what they have recorded";
  return { problems: [], note };
}

function roleProblem({ role, superuser, object, owner, privileges }: RoleRow): string[] {
  if (superuser) return [`the role ${role} is a superuser, whom no grant holds back`];
  if (owner) return [`the role ${role} owns ${object}, or may act as its owner`];
  return privileges.length === 0 ? [] : [`the role ${role} has ${privileges.join(", ")} on ${object}`];
}

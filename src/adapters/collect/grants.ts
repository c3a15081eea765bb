import { quoteIdentifier } from "../../core/evidence/import/sql-definition.ts";
import { ServerError } from "../servers/server-error.ts";
import type { ServerFacts } from "./server-facts.ts";

export interface Lacking {
  tables: readonly { schema: string; name: string }[];
  /** Schema of pg_stat_statements. */
  statementsSchema: string | null;
}

/** Throws where the role may not read all that belongs into a bundle: half of the evidence would look like all of it. */
export function demandGrants(server: string, facts: ServerFacts, { tables, statementsSchema }: Lacking): void {
  const role = quoteIdentifier(facts.role);
  const grants = [
    ...(facts.mayMonitor ? [] : [`GRANT pg_monitor TO ${role};`]),
    ...(tables.length === 0 ? [] : [tableGrant(tables, role, facts.versionNumber)]),
    ...(statementsSchema === null
      ? []
      : [
          `GRANT USAGE ON SCHEMA ${quoteIdentifier(statementsSchema)} TO ${role};`,
          `GRANT SELECT ON ${quoteIdentifier(statementsSchema)}.pg_stat_statements TO ${role};`,
        ]),
  ];
  if (grants.length === 0) return;
  throw new ServerError(
    "missing-grant",
    server,
    `the role ${facts.role} may not read ${unreadable(facts, tables, statementsSchema)}`,
    `grant what it lacks: ${grants.join(" ")}`,
  );
}

function unreadable(facts: ServerFacts, tables: Lacking["tables"], statementsSchema: string | null): string {
  const [first] = tables;
  return [
    ...(facts.mayMonitor ? [] : ["the server's statistics"]),
    ...(first === undefined ? [] : [`${first.schema}.${first.name}${furtherTables(tables.length - 1)}`]),
    ...(statementsSchema === null ? [] : ["pg_stat_statements"]),
  ].join(", ");
}

function furtherTables(count: number): string {
  if (count === 0) return "";
  return count === 1 ? " and 1 more table" : ` and ${count} more tables`;
}

const listedTables = 3;

/** PostgreSQL has pg_read_all_data from 14 on. */
function tableGrant(tables: Lacking["tables"], role: string, versionNumber: number): string {
  if (tables.length > listedTables && versionNumber >= 140_000) return `GRANT pg_read_all_data TO ${role};`;
  if (tables.length > listedTables) {
    const schemas = [...new Set(tables.map(({ schema }) => quoteIdentifier(schema)))];
    return `GRANT SELECT ON ALL TABLES IN SCHEMA ${schemas.join(", ")} TO ${role};`;
  }
  const names = tables.map(({ schema, name }) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`);
  return `GRANT SELECT ON ${names.join(", ")} TO ${role};`;
}

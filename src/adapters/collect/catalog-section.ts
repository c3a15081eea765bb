import { z } from "zod";
import type { EvidenceBundleInput } from "../../core/evidence/bundle.ts";
import { readStatement } from "../../core/evidence/import/sql-definition.ts";
import { definitionOf } from "../../core/sql/index-definition.ts";
import { splitSearchPath } from "../../core/sql/search-path.ts";
import { ChangedMeanwhile } from "./collect-error.ts";
import constraintsSql from "./queries/constraints.sql";
import extendedStatisticsSql from "./queries/extended-statistics.sql";
import functionsSql from "./queries/functions.sql";
import indexDependenciesSql from "./queries/index-dependencies.sql";
import indexesSql from "./queries/indexes.sql";
import schemasSql from "./queries/schemas.sql";
import tablesSql from "./queries/tables.sql";
import typesSql from "./queries/types.sql";
import viewDependenciesSql from "./queries/view-dependencies.sql";
import type { ServerFacts } from "./server-facts.ts";
import type { Snapshot } from "./snapshot.ts";

type CatalogInput = NonNullable<EvidenceBundleInput["catalog"]>;

/** Rows that the SQL has made in the bundle's form; the bundle's own schema checks them in the end. */
const rows = z.array(z.record(z.string(), z.unknown()));

const indexRows = z.array(
  z.looseObject({ schema: z.string(), name: z.string(), table: z.string(), definition: z.string().optional() }),
);

const functionsSchema = z.strictObject({ functions: rows, runsStatements: z.boolean() });

export interface CatalogSection {
  catalog: unknown;
  /** Functions exist whose statements a workload of top-level statements does not show. */
  functionsRunStatements: boolean;
}

export async function readCatalog(snapshot: Snapshot, facts: ServerFacts): Promise<CatalogSection> {
  const { schemas, sequences } = await snapshot.mustRead(
    schemasSql,
    z.strictObject({ schemas: rows, sequences: rows }),
  );
  const { functions, runsStatements } = await snapshot.mustRead(functionsSql, functionsSchema);
  const searchPath = splitSearchPath(facts.searchPath);
  const catalog: Record<keyof CatalogInput, unknown> = {
    schemas,
    sequences,
    extensions: facts.extensions,
    searchPath: searchPath ?? undefined,
    tables: await snapshot.mustRead(tablesSql, rows),
    indexes: (await snapshot.mustRead(indexesSql, indexRows)).map(withKeys),
    constraints: await snapshot.mustRead(constraintsSql, rows),
    types: await snapshot.mustRead(typesSql, rows),
    functions,
    extendedStatistics: await snapshot.mustRead(extendedStatisticsSql, rows),
    viewDependencies: await snapshot.mustRead(viewDependenciesSql, rows),
    indexDependencies: await snapshot.mustRead(indexDependenciesSql, rows),
  };
  return { catalog, functionsRunStatements: runsStatements };
}

/** Keys, predicate and the like from the definition, so that they are written as those of a migration's own CREATE INDEX. */
function withKeys(row: z.output<typeof indexRows>[number]) {
  if (row.definition === undefined) throw new ChangedMeanwhile(`the index ${row.name}`);
  const statement = readStatement(row.definition);
  if ("problem" in statement || !("IndexStmt" in statement)) {
    throw new Error(`The definition of the index ${row.name} cannot be read`);
  }
  return { ...definitionOf(statement.IndexStmt, row.definition).row, ...row };
}

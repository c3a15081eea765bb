import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Catalog, catalogSchema } from "../../src/core/catalog/catalog.ts";
import type { DeployRequest, MigrationFormat } from "../../src/core/request.ts";
import { analyzeMigrations } from "../../src/core/sql/analyze.ts";
import type { Change, MigrationAnalysis } from "../../src/core/sql/change.ts";
import { displayName } from "../../src/core/values.ts";

/** The database that these tests speak of: orders with its indexes, a namesake in another schema, partitions, views. */
export const catalog: Catalog = catalogSchema.parse(JSON.parse(readFileSync(join(__dirname, "catalog.json"), "utf8")));

/** The migrations' changes; one file is named migration.sql. */
export function analyze(
  sql: string | readonly (readonly [path: string, sql: string])[],
  format: MigrationFormat = "plain",
  known: Catalog | null = catalog,
  action: DeployRequest["action"] = "deploy",
): MigrationAnalysis {
  const files: readonly (readonly [string, string])[] = typeof sql === "string" ? [["migration.sql", sql]] : sql;
  const migrations = files.map(([path, text]) => ({ path, sql: text }));
  return analyzeMigrations({ migrations, format, action, catalog: known });
}

/** One line for each change, as a person would note it: "drop idx_a of orders (with column orders.status)". */
export function noted({ changes }: MigrationAnalysis): string[] {
  return changes.map(note);
}

function note(change: Change): string {
  switch (change.kind) {
    case "drop-index": {
      const { index, implicit } = change;
      const owner = index.table ? ` of ${displayName(index.table)}` : "";
      return `drop ${displayName(index)}${owner}${index.createdByRequest ? ", new" : ""}${implicit ? ` (with ${implicit.object})` : ""}`;
    }
    case "drop-unknown-indexes":
      return `drop unknown indexes (with ${change.implicit.object})`;
    case "create-index":
      return `create ${displayName(change.index)} of ${change.index.table}${change.constraint ? ` for constraint ${change.constraint}` : ""}`;
    case "alter-column-type":
      return `alter type of ${change.column}, rebuilds ${change.rebuilds.map(({ name }) => name).join(" ")}`;
    case "schema":
      return [change.operation, ...change.tables.map(displayName)].join(" ");
    case "data":
      return [change.operation, ...change.tables.map(displayName)].join(" ");
    case "opaque":
      return `opaque: ${change.reason}${change.functionName ? ` ${change.functionName}` : ""}`;
  }
}

/** The indexes that go, by any way, and whether something is opaque. */
export function drops(analysis: MigrationAnalysis): string[] {
  return noted(analysis).filter(
    (line) =>
      line.startsWith("drop ") &&
      !/^drop (table|column|constraint|schema|type|view|function|extension|materialized view|owned|database|operator)/.test(
        line,
      ),
  );
}

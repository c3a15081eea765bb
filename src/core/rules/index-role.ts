import { z } from "zod";
import type { Catalog, CatalogConstraint, CatalogIndex } from "../catalog/catalog.ts";
import { enforcesSameUniqueness } from "../catalog/coverage.ts";
import { droppedIndexes, droppedIndexText, unknownIndexFindings } from "../rule-support/dropped-indexes.ts";
import { failed, inconclusive, listed, passed } from "../rule-support/findings.ts";
import { survivorsOf } from "../rule-support/survivors.ts";
import type { DropIndexChange } from "../sql/change.ts";
import { displayName } from "../values.ts";
import { defineRule, type RuleContext, type RuleFinding } from "./rule.ts";

export default defineRule({
  id: "index-role",
  summary: "A dropped index must have no duty that scans do not show.",
  rationale:
    "Enforcing uniqueness counts no scan. Neither does serving as replica identity, supporting the deletes of a foreign key's parent rows, or carrying the planner's statistics of an expression. An index with zero scans can still be indispensable.",
  parameters: z.strictObject({}),
  evaluate(context) {
    const findings = [
      ...droppedIndexes(context.analysis).map((drop) => judge(drop, context)),
      ...unknownIndexFindings(context.analysis),
    ];
    return findings.length > 0 ? findings : [passed("migrations", "No index is dropped.")];
  },
});

function judge(drop: DropIndexChange, { analysis, evidence }: RuleContext): RuleFinding {
  const { definition } = drop.index;
  const subject = displayName(drop.index);
  const location = drop.statement.location;
  const what = droppedIndexText(drop);
  const { after } = analysis;
  if (definition === null || after === null) return unknown(drop, `does not have ${what}`);
  if (tableGoes(drop, after)) return passed(subject, `${what} goes with its whole table.`, location);
  const { survivors } = survivorsOf(drop, definition, analysis);
  const undisputed = survivors.filter(({ disputed }) => disputed !== true);
  const roles = rolesOf(definition, evidence.catalog ?? after, after, undisputed);
  if (roles.length > 0) {
    return failed({
      subject,
      message: `${what} ${listed(roles)}.`,
      help: "Keep the index, or first give its duty to another index or constraint in a migration of its own.",
      location,
      details: { roles },
    });
  }
  if (after.constraints === undefined)
    return unknown(drop, `has no constraints, so it cannot show whether a foreign key needs ${what}`);
  return passed(
    subject,
    `${what} enforces nothing and no foreign key, replica identity or statistics need it.`,
    location,
  );
}

function unknown(drop: DropIndexChange, lack: string): RuleFinding {
  return inconclusive({
    subject: displayName(drop.index),
    message: `The catalogue in the evidence ${lack}.`,
    help: "Add an evidence bundle whose catalogue has the table, its indexes and its constraints.",
    location: drop.statement.location,
  });
}

function tableGoes({ implicit, index }: DropIndexChange, after: Catalog): boolean {
  if (implicit === null || index.definition === null) return false;
  const { schema, table } = index.definition;
  if (after.tables !== undefined) return !after.tables.some((row) => row.schema === schema && row.name === table);
  return implicit.kind === "table" || implicit.kind === "schema" || implicit.kind === "materialized-view";
}

/** Verb phrases: "enforces the uniqueness of (email)". `before` knows what the index was, `after` what is left to need it. */
function rolesOf(index: CatalogIndex, before: Catalog, after: Catalog, survivors: readonly CatalogIndex[]): string[] {
  return [
    ...uniquenessRole(index, before, survivors),
    ...(index.replicaIdentity
      ? ["is the table's replica identity, without which UPDATE and DELETE on a published table fail"]
      : []),
    ...(index.clustered ? ["is the index that CLUSTER orders the table by"] : []),
    ...foreignKeyRole(index, after, survivors),
    ...statisticsRole(index, survivors),
    ...refreshRole(index, before, survivors),
  ];
}

function uniquenessRole(index: CatalogIndex, before: Catalog, survivors: readonly CatalogIndex[]): string[] {
  const constraints = (before.constraints ?? []).filter(
    (row) =>
      row.index === index.name &&
      row.schema === index.schema &&
      row.table === index.table &&
      row.type !== "foreign-key",
  );
  if (constraints.length > 0)
    return constraints.map((row) => `enforces the constraint ${row.name} (${row.type.replace("-", " ")})`);
  const needed = foreignKeysInto(index, before);
  if (needed.length > 0) return needed.map((row) => `is what the foreign key ${row.name} of ${row.table} refers to`);
  if (index.primary) return ["enforces the primary key"];
  if (index.exclusion) return ["enforces an exclusion constraint"];
  if (!index.unique || survivors.some((other) => enforcesSameUniqueness(index, other))) return [];
  return [`enforces the uniqueness of ${columnsOf(index)}, which ON CONFLICT and the planner may rely on`];
}

function foreignKeysInto(index: CatalogIndex, catalog: Catalog): CatalogConstraint[] {
  return (catalog.constraints ?? []).filter(
    (row) =>
      row.type === "foreign-key" &&
      row.index === index.name &&
      row.references?.schema === index.schema &&
      row.references.table === index.table,
  );
}

/** The index on a foreign key's referencing columns serves deletes and updates of the parent; EXPLAIN never shows it. */
function foreignKeyRole(index: CatalogIndex, after: Catalog, survivors: readonly CatalogIndex[]): string[] {
  return (after.constraints ?? [])
    .filter((row) => row.type === "foreign-key" && row.schema === index.schema && row.table === index.table)
    .filter((row) => leadsWith(index, row.columns) && !survivors.some((other) => leadsWith(other, row.columns)))
    .map((row) => {
      const parent =
        row.references == null
          ? "the referenced table"
          : displayName({ schema: row.references.schema, name: row.references.table });
      return `alone supports the foreign key ${row.name}: each DELETE on ${parent} would read all of ${index.table}`;
    });
}

function leadsWith(index: CatalogIndex, columns: readonly string[]): boolean {
  if (!index.valid || index.method !== "btree" || (index.predicate ?? null) !== null || columns.length === 0)
    return false;
  const leading = new Set(index.keys.slice(0, columns.length).map((key) => key.column ?? null));
  return columns.every((column) => leading.has(column));
}

function statisticsRole(index: CatalogIndex, survivors: readonly CatalogIndex[]): string[] {
  const kept = new Set(survivors.flatMap((other) => other.keys.flatMap((key) => key.expression ?? [])));
  return index.keys
    .flatMap((key) => key.expression ?? [])
    .filter((expression) => !kept.has(expression))
    .map((expression) => `carries the planner's statistics of the expression ${expression}`);
}

function refreshRole(index: CatalogIndex, before: Catalog, survivors: readonly CatalogIndex[]): string[] {
  const relation = before.tables?.find((row) => row.schema === index.schema && row.name === index.table);
  if (relation?.kind !== "materialized-view" || !servesRefresh(index)) return [];
  return survivors.some(servesRefresh) ? [] : ["is the unique index that REFRESH MATERIALIZED VIEW CONCURRENTLY needs"];
}

function servesRefresh(index: CatalogIndex): boolean {
  return (
    index.unique && index.valid && (index.predicate ?? null) === null && index.keys.every((key) => key.column != null)
  );
}

function columnsOf(index: CatalogIndex): string {
  return `(${index.keys.map((key) => key.column ?? key.expression ?? "?").join(", ")})`;
}

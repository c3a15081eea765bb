import type { CatalogColumn, CatalogConstraint, CatalogIndex, CatalogTable } from "../../catalog/catalog.ts";
import { readTableAt } from "./aligned-table.ts";
import { type DescribedObject, describedObjects, type FooterEntry, type FooterSection } from "./describe-sections.ts";
import { type ImportIssue, importError } from "./import-error.ts";
import {
  addedConstraint,
  constraintOf,
  indexOfExclusion,
  indexOfStatement,
  quoteIdentifier,
  readStatement,
} from "./sql-definition.ts";

export interface DescribedCatalog {
  tables: CatalogTable[];
  indexes: CatalogIndex[];
  constraints: CatalogConstraint[];
}

const tableKinds: ReadonlyMap<string, CatalogTable["kind"]> = new Map([
  ["Table", "table"],
  ["Unlogged table", "table"],
  ["Partitioned table", "partitioned-table"],
  ["Unlogged partitioned table", "partitioned-table"],
  ["Foreign table", "foreign-table"],
  ["Materialized view", "materialized-view"],
]);

/** The output of psql's `\d table` (also `\d+`, and of several tables) → catalogue. */
export function readDescription(lines: readonly string[], file: string, defaultSchema: string): DescribedCatalog {
  const issues: ImportIssue[] = [];
  const catalog: DescribedCatalog = { tables: [], indexes: [], constraints: [] };
  for (const object of describedObjects(lines, defaultSchema)) {
    const kind = tableKinds.get(object.kind);
    if (kind === undefined) {
      issues.push({
        line: object.line,
        message: `this describes a ${object.kind.toLowerCase()}; describe the table instead: \\d TABLE`,
      });
      continue;
    }
    if (object.name.includes(".")) {
      issues.push({
        line: object.line,
        message: `${object.schema}.${object.name} could be read in two ways because of its dots`,
      });
    }
    catalog.indexes.push(...entriesOf(object, "Indexes").flatMap((entry) => readIndex(entry, object, catalog, issues)));
    for (const name of ["Check constraints", "Foreign-key constraints", "Referenced by"]) {
      catalog.constraints.push(...entriesOf(object, name).flatMap((entry) => readConstraint(entry, object, issues)));
    }
    catalog.tables.push(readTableFacts(object, kind, lines, file, catalog.indexes));
  }
  if (issues.length > 0) throw importError(file, issues);
  return catalog;
}

function entriesOf(object: DescribedObject, name: string): FooterEntry[] {
  return object.sections.filter((section) => section.name === name).flatMap(({ entries }) => entries);
}

function readTableFacts(
  object: DescribedObject,
  kind: CatalogTable["kind"],
  lines: readonly string[],
  file: string,
  indexes: readonly CatalogIndex[],
): CatalogTable {
  const section = (name: string): FooterSection | null => object.sections.find((one) => one.name === name) ?? null;
  const partition = /^(.+?) (FOR VALUES .*|DEFAULT)$/s.exec(section("Partition of")?.value ?? "");
  const identity = section("Replica Identity")?.value;
  const hasIdentityIndex = indexes.some(
    ({ table, schema, replicaIdentity }) => replicaIdentity && table === object.name && schema === object.schema,
  );
  return {
    schema: object.schema,
    name: object.name,
    kind,
    columns: readColumns(object, lines, file),
    partitionKey: section("Partition key")?.value ?? null,
    partitionOf: partition === null ? null : splitName(partition[1] ?? "", object.schema),
    partitionBound: partition?.[2] ?? null,
    replicaIdentity: hasIdentityIndex
      ? "index"
      : identity === "FULL"
        ? "full"
        : identity === "NOTHING"
          ? "nothing"
          : null,
    published: section("Publications") !== null,
    persistence: object.kind.startsWith("Unlogged") ? "unlogged" : "permanent",
  };
}

function readColumns(object: DescribedObject, lines: readonly string[], file: string): CatalogColumn[] | null {
  const table = readTableAt(lines, object.tableStart, file);
  if (table === null) return null; // a table without columns
  const cell = (row: { cells: readonly string[] }, column: string) => row.cells[table.columns.indexOf(column)] ?? "";
  for (const column of ["Column", "Type", "Nullable", "Default"]) {
    if (!table.columns.includes(column)) {
      throw importError(file, [
        {
          line: table.line,
          message: `\\d prints a column "${column}"; paste its output in English (LC_MESSAGES=C psql)`,
        },
      ]);
    }
  }
  return table.rows.map((row) => {
    const standard = cell(row, "Default");
    const identity = /^generated (always|by default) as identity$/.exec(standard);
    const generated = /^generated always as \(.*\)( stored)?$/s.exec(standard);
    return {
      name: cell(row, "Column"),
      type: cell(row, "Type"),
      notNull: cell(row, "Nullable") === "not null",
      collation: cell(row, "Collation") || null,
      default: identity === null ? standard || null : null,
      identity: identity === null ? null : identity[1] === "always" ? "always" : "by-default",
      generated: generated === null || identity !== null ? null : generated[1] === undefined ? "virtual" : "stored",
    };
  });
}

/** What psql (describe.c) writes after an index's definition, last first. */
const marks = [" REPLICA IDENTITY", " INVALID", " CLUSTER", " INITIALLY DEFERRED", " DEFERRABLE"] as const;

function readIndex(
  { line, text }: FooterEntry,
  object: DescribedObject,
  catalog: DescribedCatalog,
  issues: ImportIssue[],
): CatalogIndex[] {
  const found = /^"(.+?)" (?:(PRIMARY KEY|UNIQUE CONSTRAINT|UNIQUE), )?(.+)$/s.exec(text);
  if (found === null) {
    issues.push({ line, message: "this index cannot be read" });
    return [];
  }
  const [, name = "", kind, rest = ""] = found;
  let body = rest.replace(/, tablespace "[^"]*"$/, "");
  const marked = new Set<string>();
  for (const mark of marks) {
    if (!body.endsWith(mark)) continue;
    body = body.slice(0, -mark.length);
    marked.add(mark.trim());
  }
  const index = body.startsWith("EXCLUDE ") ? exclusion(name, body, object) : plainIndex(name, kind, body, object);
  if ("problem" in index) {
    issues.push({ line, message: `the definition of ${name} cannot be read: ${index.problem}` });
    return [];
  }
  const primary = kind === "PRIMARY KEY";
  const type = primary ? "primary-key" : kind === "UNIQUE CONSTRAINT" ? "unique" : index.exclusion ? "exclusion" : null;
  if (type !== null) {
    const columns = index.keys.flatMap(({ column }) => column ?? []);
    catalog.constraints.push({
      schema: object.schema,
      table: object.name,
      name,
      type,
      columns,
      index: name,
      validated: true,
    });
  }
  return [
    {
      ...index,
      primary,
      valid: !marked.has("INVALID"),
      clustered: marked.has("CLUSTER"),
      replicaIdentity: marked.has("REPLICA IDENTITY"),
    },
  ];
}

function plainIndex(
  name: string,
  kind: string | undefined,
  body: string,
  object: DescribedObject,
): CatalogIndex | { problem: string } {
  const unique = kind === undefined ? "" : "UNIQUE ";
  const sql = `CREATE ${unique}INDEX ${quoteIdentifier(name)} ON ${tableSql(object)} USING ${body}`;
  const statement = readStatement(sql);
  if ("problem" in statement) return statement;
  return "IndexStmt" in statement
    ? indexOfStatement(statement.IndexStmt, sql, object.schema)
    : { problem: "it is not an index definition" };
}

function exclusion(name: string, body: string, object: DescribedObject): CatalogIndex | { problem: string } {
  const sql = addConstraintSql(object, name, body);
  const statement = readStatement(sql);
  if ("problem" in statement) return statement;
  const constraint = addedConstraint(statement);
  return constraint === null ? { problem: "it is not a constraint" } : indexOfExclusion(constraint, sql, object);
}

function readConstraint(
  { line, text }: FooterEntry,
  object: DescribedObject,
  issues: ImportIssue[],
): CatalogConstraint[] {
  // "Referenced by" and constraints that partitions inherit: TABLE "sales.refunds" CONSTRAINT "name" FOREIGN KEY …
  const found = /^(?:TABLE "(.+?)" CONSTRAINT )?"(.+?)" ((?:FOREIGN KEY|CHECK) .+)$/s.exec(text);
  const [, other, name = "", body = ""] = found ?? [];
  const owner = other === undefined ? object : splitName(other, object.schema);
  const statement = readStatement(addConstraintSql(owner, name, body));
  const constraint = "problem" in statement ? null : addedConstraint(statement);
  const read = constraint && constraintOf(constraint, owner, object.schema, body);
  if (read !== null) return [read];
  const problem = "problem" in statement ? statement.problem : "it is neither a foreign key nor a check";
  issues.push({ line, message: `the constraint ${name || text} cannot be read: ${problem}` });
  return [];
}

function addConstraintSql(table: { schema: string; name: string }, name: string, body: string): string {
  return `ALTER TABLE ${tableSql(table)} ADD CONSTRAINT ${quoteIdentifier(name)} ${body}`;
}

function tableSql({ schema, name }: { schema: string; name: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** What regclass prints: `sales.refunds`, `"Odd name"`; without a schema it is one of the search path's, taken to be the table's own. */
function splitName(text: string, defaultSchema: string): { schema: string; name: string } {
  const parts = [...text.matchAll(/"((?:[^"]|"")+)"|[^."]+/g)].map(
    ([whole, quoted]) => quoted?.replaceAll('""', '"') ?? whole,
  );
  return { schema: parts.length > 1 ? (parts[0] ?? "") : defaultSchema, name: parts.at(-1) ?? "" };
}

import type { CatalogConstraint, CatalogIndex, CatalogTable } from "../../catalog/catalog.ts";
import { parseSql } from "../../sql/grammar.ts";
import { SourceText } from "../../sql/source-text.ts";
import { looksLikeDescription } from "./describe-sections.ts";
import { readDescription } from "./describe-table.ts";
import { type ImportIssue, importError } from "./import-error.ts";
import { toLines } from "./psql-lines.ts";
import { indexOfStatement, readStatement } from "./sql-definition.ts";
import { readTables } from "./text-table.ts";

export interface ImportedCatalog {
  tables: CatalogTable[];
  indexes: CatalogIndex[];
  /** null: this kind of text does not show them. */
  constraints: CatalogConstraint[] | null;
}

/** `\d table`, rows of pg_indexes, or CREATE INDEX statements → catalogue. The grammar must have been loaded. */
export function readIndexesFile(text: string, file: string, defaultSchema: string): ImportedCatalog {
  const lines = toLines(text);
  if (looksLikeDescription(lines)) return readDescription(lines, file, defaultSchema);
  const indexes = lines.some((line) => /(^|[^\w"])"?indexdef\b/i.test(line) && !/\bCREATE\b/i.test(line))
    ? readPgIndexes(text, file, defaultSchema)
    : readStatements(text, file, defaultSchema);
  if (indexes.length === 0) throw importError(file, [{ line: 1, message: "no index found" }]);
  return { tables: [], indexes, constraints: null };
}

/** SELECT * FROM pg_indexes, or its columns indexname and indexdef. */
function readPgIndexes(text: string, file: string, defaultSchema: string): CatalogIndex[] {
  const issues: ImportIssue[] = [];
  const indexes = readTables(text, file).flatMap((table) => {
    const column = table.columns.findIndex((name) => name.toLowerCase() === "indexdef");
    if (column === -1)
      throw importError(file, [
        { line: table.line, message: "no column indexdef; SELECT * FROM pg_indexes prints one" },
      ]);
    return table.rows.flatMap(({ line, cells }) =>
      readIndexDefinition(cells[column] ?? "", line, defaultSchema, issues),
    );
  });
  if (issues.length > 0) throw importError(file, issues);
  return indexes;
}

function readStatements(text: string, file: string, defaultSchema: string): CatalogIndex[] {
  const source = new SourceText(file, text);
  const parsed = text.includes("\0") ? null : parseSql(source.bytes);
  if (parsed === null || !parsed.ok) {
    const line =
      parsed?.failure.position == null ? 1 : source.line(source.offsetOfCodePoint(parsed.failure.position, 0));
    const detail = parsed === null ? "a NUL byte" : parsed.failure.message;
    const message = `neither psql's \\d (in English), nor rows of pg_indexes, nor CREATE INDEX statements: ${detail}`;
    throw importError(file, [{ line, message }]);
  }
  const issues: ImportIssue[] = [];
  const indexes = parsed.value.flatMap(({ start, length }) => {
    const end = length === null ? source.bytes.length : start + length;
    return readIndexDefinition(source.slice(start, end).trim(), source.line(start), defaultSchema, issues);
  });
  if (issues.length > 0) throw importError(file, issues);
  return indexes;
}

function readIndexDefinition(sql: string, line: number, defaultSchema: string, issues: ImportIssue[]): CatalogIndex[] {
  const statement = readStatement(sql);
  const index = "IndexStmt" in statement ? statement.IndexStmt : null;
  if (index === null) {
    const detail = "problem" in statement ? statement.problem : "only CREATE INDEX is read here";
    issues.push({ line, message: `not an index definition: ${detail}` });
    return [];
  }
  if (index.idxname === undefined || index.idxname === "") {
    issues.push({ line, message: "the index has no name" });
    return [];
  }
  return [indexOfStatement(index, sql, defaultSchema)];
}

import type { CatalogIndex } from "../catalog/catalog.ts";
import type { CreateIndexChange, DropIndexChange } from "../sql/change.ts";
import { scanSql } from "../sql/grammar.ts";
import type { ObjectName } from "../values.ts";

/** An identifier as SQL needs it: quoted unless it is plain lower case. Keywords are quoted too where they would be misread. */
export function identifier(name: string): string {
  const scanned = /^[a-z_][a-z0-9_$]*$/.test(name) ? scanSql(name) : null;
  const plain = scanned?.ok && scanned.value.length === 1 && scanned.value[0]?.keyword === false;
  return plain ? name : `"${name.replaceAll('"', '""')}"`;
}

export function qualified({ schema, name }: ObjectName): string {
  return schema === null || schema === "public" ? identifier(name) : `${identifier(schema)}.${identifier(name)}`;
}

/** The statement as it was written, with CONCURRENTLY; made anew where it stood in a routine. */
export function withConcurrently(change: CreateIndexChange): string {
  const { text } = change.statement;
  const scanned = scanSql(text);
  const tokens = scanned.ok ? scanned.value.filter(({ name }) => name !== "SQL_COMMENT" && name !== "C_COMMENT") : [];
  const words = tokens.slice(0, 3).map((token) => token.text.toLowerCase());
  const index = words.indexOf("index");
  const token = tokens[index];
  if (words[0] !== "create" || index === -1 || token === undefined)
    return createIndexSql(change.index, change.tables[0] ?? null);
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  return `${decoder.decode(bytes.subarray(0, token.end))} CONCURRENTLY${decoder.decode(bytes.subarray(token.end))};`;
}

/** CREATE INDEX CONCURRENTLY for a definition. */
export function createIndexSql(index: CatalogIndex, table: ObjectName | null): string {
  const keys = index.keys.map((key) =>
    [
      key.column ? identifier(key.column) : `(${key.expression ?? ""})`,
      key.collation ? `COLLATE ${identifier(key.collation)}` : "",
      key.operatorClass ? identifier(key.operatorClass) : "",
      key.order === "desc" ? "DESC" : "",
      key.nulls ? `NULLS ${key.nulls.toUpperCase()}` : "",
    ]
      .filter((part) => part !== "")
      .join(" "),
  );
  return [
    `CREATE ${index.unique ? "UNIQUE " : ""}INDEX CONCURRENTLY ${identifier(index.name)}`,
    `ON ${qualified(table ?? { schema: index.schema, name: index.table })}`,
    index.method === "btree" ? "" : `USING ${identifier(index.method)}`,
    `(${keys.join(", ")})`,
    index.include.length > 0 ? `INCLUDE (${index.include.map(identifier).join(", ")})` : "",
    index.nullsNotDistinct ? "NULLS NOT DISTINCT" : "",
    index.predicate ? `WHERE ${index.predicate}` : "",
  ]
    .filter((part) => part !== "")
    .join(" ")
    .concat(";");
}

/** DROP INDEX CONCURRENTLY of one index, by the name that it has by then. */
export function dropIndexSql({ index, statement }: DropIndexChange): string {
  const scanned = scanSql(statement.text);
  const words = scanned.ok ? scanned.value.map((token) => token.text.toLowerCase()) : [];
  const ifExists =
    words[0] === "drop" && words.some((word, position) => word === "if" && words[position + 1] === "exists");
  const name = index.definition?.name ?? index.name;
  return `DROP INDEX CONCURRENTLY ${ifExists ? "IF EXISTS " : ""}${qualified({ schema: index.schema, name })};`;
}

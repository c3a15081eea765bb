import type { ObjectName } from "../../core/values.ts";

/** "schema"."name", or "name" for the search path to decide. */
export function quoted({ schema, name }: ObjectName): string {
  return schema === null ? identifier(name) : `${identifier(schema)}.${identifier(name)}`;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string constant that means the same whatever standard_conforming_strings is. */
export function literal(value: string | null): string {
  if (value === null) return "NULL";
  const text = `'${value.replaceAll("'", "''")}'`;
  return value.includes("\\") ? `E${text.replaceAll("\\", "\\\\")}` : text;
}

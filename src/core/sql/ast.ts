import type { Node, RangeVar, TypeName } from "@pgsql/types";
import type { ObjectName } from "../values.ts";

/** The name of a statement's or expression's node type: "DropStmt". */
export function nodeType(node: Node): string {
  return Object.keys(node)[0] ?? "";
}

/** What a walk meets: `visit` gets every node below and including `root`, parents first, and returns false to skip what is below it. Never recurses: trees can be deep. */
export function walk(
  root: unknown,
  visit: (type: string, value: Record<string, unknown>) => boolean | undefined,
): void {
  const stack: { key: string; value: unknown }[] = [{ key: "", value: root }];
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const { key, value } = item;
    if (typeof value !== "object" || value === null) continue;
    if (Array.isArray(value)) {
      for (let index = value.length - 1; index >= 0; index -= 1) stack.push({ key: "", value: value[index] });
      continue;
    }
    const first = key.charCodeAt(0);
    // Node types begin with a capital letter, fields do not. The JSON of a node is a plain object.
    if (first >= 65 && first <= 90 && visit(key, value as Record<string, unknown>) === false) continue;
    const entries = Object.entries(value);
    for (let index = entries.length - 1; index >= 0; index -= 1) {
      const entry = entries[index];
      if (entry && typeof entry[1] === "object") stack.push({ key: entry[0], value: entry[1] });
    }
  }
}

/** The strings of a list of String nodes: a qualified name. */
export function strings(nodes: readonly Node[] | undefined): string[] {
  const result: string[] = [];
  for (const node of nodes ?? []) if ("String" in node) result.push(node.String.sval ?? "");
  return result;
}

/** ["orders"], ["sales", "orders"] or ["db", "sales", "orders"] → a name; null schema where none is written. */
export function nameFrom(parts: readonly string[]): ObjectName {
  return { schema: parts.length > 1 ? (parts.at(-2) ?? null) : null, name: parts.at(-1) ?? "" };
}

export function rangeVarName(range: RangeVar | undefined): ObjectName {
  return { schema: range?.schemaname ? range.schemaname : null, name: range?.relname ?? "" };
}

export function typeNameOf(type: TypeName | undefined): ObjectName {
  return nameFrom(strings(type?.names));
}

/** A constant string, or null. */
export function constantString(node: Node | undefined): string | null {
  if (!node) return null;
  if ("A_Const" in node) return node.A_Const.sval ? (node.A_Const.sval.sval ?? "") : null;
  if ("TypeCast" in node) {
    const type = node.TypeCast.typeName;
    const whole = typeNameOf(type).name === "text" && !type?.arrayBounds && !type?.typmods;
    return whole ? constantString(node.TypeCast.arg) : null;
  }
  return null;
}

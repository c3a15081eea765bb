import { type Context, tableReference } from "./context.ts";
import type { Relation } from "./state.ts";

/**
 * The relation has just got its name. Where that was another one's before the request, queries by that name read something
 * else from now on, without the indexes that they had.
 */
export function reportReplacedTable(context: Context, relation: Relation): void {
  const { schema, name } = relation.row;
  for (const other of context.state.relations.exact(schema, name)) {
    const { origin } = other;
    if (other === relation || other.dropped || origin?.name !== name) continue;
    if (origin.schema === null || origin.schema === schema) {
      context.schema("replace table", [tableReference(other)], true);
    }
  }
}

/** As above, of a column: `from` is what this one was called before, null if it is new. Call it before the rename. */
export function reportReplacedColumn(context: Context, relation: Relation, to: string, from: string | null): void {
  for (const [current, former] of relation.formerColumns) {
    if (current === from || !former.has(to)) continue;
    context.schema("replace column", [tableReference(relation)], true);
    return;
  }
}

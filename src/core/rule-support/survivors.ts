import type { CatalogIndex } from "../catalog/catalog.ts";
import type { DropIndexChange, MigrationAnalysis } from "../sql/change.ts";

/**
 * The other indexes of a dropped index's table that exist after the migrations. Those that are built only after the drop are apart: until then
 * nothing takes its place, and they may fail to be built.
 */
export function survivorsOf(
  drop: DropIndexChange,
  { schema, table }: CatalogIndex,
  { after, builtAt, changes }: MigrationAnalysis,
): { survivors: readonly CatalogIndex[]; later: readonly CatalogIndex[] } {
  const others = (after?.indexes ?? []).filter((index) => index.schema === schema && index.table === table);
  const position = others.some((index) => builtAt.has(index)) ? changes.indexOf(drop) : Number.POSITIVE_INFINITY;
  const isLater = (index: CatalogIndex) => (builtAt.get(index) ?? 0) > position;
  return { survivors: others.filter((index) => !isLater(index)), later: others.filter(isLater) };
}

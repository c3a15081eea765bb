import type { Catalog, CatalogIndex } from "../catalog/catalog.ts";
import type { DropIndexChange, SqlComment } from "../sql/change.ts";

/** A comment that says that a dropped index is not needed because of others. */
export interface RedundancyClaim {
  comment: SqlComment;
  /** Indexes that the comment names beside the dropped one; empty: it names none. */
  superseders: readonly CatalogIndex[];
}

/** Comments are prose, so words are looked for; English, as in the tools that write them. */
const claimWords =
  /\b(redundan\w*|supersed\w*|duplicat\w*|subsum\w*|covered\s+by|covers|replaced\s+by|made\s+obsolete|unnecessary|overlap\w*)/i;
const word = /[\p{L}\p{N}_$.]+/gu;

/** The claim in the comments directly before (or inside) the statement that drops the index; several lines are one comment. */
export function redundancyClaim(drop: DropIndexChange, catalog: Catalog): RedundancyClaim | null {
  const { comments } = drop.statement;
  const text = comments.map((comment) => comment.text).join("\n");
  const claimed = comments.find((comment) => claimWords.test(comment.text));
  if (claimed === undefined) return null;
  const words = new Set((text.match(word) ?? []).map(withoutSchemaAndDots));
  const superseders = (catalog.indexes ?? []).filter(
    (index) => words.has(index.name.toLowerCase()) && !isDropped(index, drop),
  );
  return { comment: claimed, superseders };
}

function withoutSchemaAndDots(text: string): string {
  return text.toLowerCase().split(".").filter(Boolean).at(-1) ?? text;
}

function isDropped(index: CatalogIndex, { index: dropped }: DropIndexChange): boolean {
  return index.name === dropped.name && (dropped.schema === null || index.schema === dropped.schema);
}

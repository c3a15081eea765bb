import type { RuleFinding } from "../rules/rule.ts";
import type { Change, DropIndexChange, DropUnknownIndexesChange, MigrationAnalysis } from "../sql/change.ts";
import { inconclusive, indexOnTable } from "./findings.ts";

/** Drops of indexes that existed before the request. An index dropped twice (two objects that carry it) is listed once. */
export function droppedIndexes(analysis: MigrationAnalysis): DropIndexChange[] {
  const seen = new Set<string>();
  return analysis.changes.filter(isDropIndex).filter(({ index }) => {
    const key = JSON.stringify([index.schema, index.name]);
    if (index.createdByRequest || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function isDropIndex(change: Change): change is DropIndexChange {
  return change.kind === "drop-index";
}

/** One inconclusive finding for each object whose drop takes indexes that the evidence does not show. */
export function unknownIndexFindings(analysis: MigrationAnalysis): RuleFinding[] {
  return analysis.changes.filter(isDropUnknown).map(({ implicit, statement }) =>
    inconclusive({
      subject: implicit.object,
      message: `Dropping ${implicit.object} takes its indexes with it, and the evidence does not show which ones those are.`,
      help: "Add an evidence bundle whose catalogue has this object, its indexes and what depends on it.",
      location: statement.location,
    }),
  );
}

function isDropUnknown(change: Change): change is DropUnknownIndexesChange {
  return change.kind === "drop-unknown-indexes";
}

/** "idx_a on orders", or "idx_a on orders, which goes with column orders.status,". */
export function droppedIndexText({ index, implicit }: DropIndexChange): string {
  return implicit === null ? indexOnTable(index) : `${indexOnTable(index)}, which goes with ${implicit.object},`;
}

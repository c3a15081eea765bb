import { groupBy } from "../group-by.ts";
import type { PlanNode, Relation } from "./query-plan.ts";

/** A node above another one. */
export interface Step {
  readonly node: PlanNode;
  /** Which of the node's children the way goes through, subplans not counted; null: through a subplan. */
  readonly position: number | null;
  readonly above: Step | null;
}

/** One scan of one table. */
export interface Read {
  readonly node: PlanNode;
  readonly relation: Relation;
  /** `other`: by row identifier, from a foreign server, a sample. */
  readonly access: "index" | "sequential" | "other";
  /** A bitmap may combine several. */
  readonly indexes: readonly string[];
  /** The scan's parent; null at the root. */
  readonly above: Step | null;
}

/** What an extension's scan does is not known; it counts as sequential, the worse of the two. */
const accesses: ReadonlyMap<string, Read["access"]> = new Map([
  ["Index Scan", "index"],
  ["Index Only Scan", "index"],
  ["Bitmap Heap Scan", "index"],
  ["Seq Scan", "sequential"],
  ["Custom Scan", "sequential"],
]);

export function readsOf(root: PlanNode): Read[] {
  const reads: Read[] = [];
  const visit = (node: PlanNode, above: Step | null) => {
    if (node.relation !== null && node.operation === null) {
      const { nodeType, relation } = node;
      reads.push({ node, relation, access: accesses.get(nodeType) ?? "other", indexes: indexesOf(node), above });
    }
    let regular = 0;
    for (const child of node.children) {
      visit(child, { node, position: child.subplanName === null ? regular++ : null, above });
    }
  };
  visit(root, null);
  return reads;
}

/** The scan's own index; of a bitmap scan, those of the bitmaps below it. */
function indexesOf(scan: PlanNode): string[] {
  const found = new Set<string>();
  const visit = (node: PlanNode) => {
    if (node.index !== null) found.add(node.index);
    for (const child of node.children) if (bitmaps.has(child.nodeType) && child.subplanName === null) visit(child);
  };
  visit(scan);
  return [...found];
}

const bitmaps = new Set(["Bitmap Index Scan", "BitmapAnd", "BitmapOr"]);

/** From the scan's parent up to the root. */
export function* ancestors({ above }: Read): Generator<Step> {
  for (let step = above; step !== null; step = step.above) yield step;
}

export interface Pairing {
  readonly pairs: readonly (readonly [before: Read, after: Read])[];
  /** Read after, but not before. */
  readonly added: readonly Read[];
  /** Read before, but not after. */
  readonly removed: readonly Read[];
}

/**
 * Which read after the change stands for which one before. Relations are told apart by alias. EXPLAIN numbers aliases anew where
 * a join disappears, so what is left is paired by the table's name alone. Where several are alike, those that stayed the same are paired first, so
 * that what is left is what changed.
 */
export function pairReads(before: readonly Read[], after: readonly Read[]): Pairing {
  const withSchema = [...before, ...after].every(({ relation }) => relation.schema !== null);
  const table = ({ relation }: Read) => [withSchema ? relation.schema : null, relation.name];
  const sameness = [({ access, indexes }: Read) => [access, ...indexes], ({ access }: Read) => [access], () => []];
  const identities = [(read: Read) => [...table(read), read.relation.alias], table];
  const pairs: [Read, Read][] = [];
  let removed = [...before];
  let added = [...after];
  for (const identity of identities) {
    for (const same of sameness) {
      const key = (read: Read) => JSON.stringify([identity(read), same(read)]);
      const waiting = groupBy(added.toReversed(), key);
      removed = removed.filter((read) => {
        const match = waiting.get(key(read))?.pop();
        if (match !== undefined) pairs.push([read, match]);
        return match === undefined;
      });
      const left = new Set([...waiting.values()].flat());
      added = added.filter((read) => left.has(read));
    }
  }
  return { pairs, added, removed };
}

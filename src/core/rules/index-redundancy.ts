import { z } from "zod";
import type { CatalogIndex } from "../catalog/catalog.ts";
import { coverage, covers, keyList, keyText, sharedKeys } from "../catalog/coverage.ts";
import { droppedIndexes, droppedIndexText, unknownIndexFindings } from "../rule-support/dropped-indexes.ts";
import { failed, grouped, inconclusive, listed, passed } from "../rule-support/findings.ts";
import { observeIndex, requiredNodes } from "../rule-support/observation.ts";
import { type RedundancyClaim, redundancyClaim } from "../rule-support/redundancy-claims.ts";
import { survivorsOf } from "../rule-support/survivors.ts";
import type { DropIndexChange } from "../sql/change.ts";
import { displayName, duration, sameObject } from "../values.ts";
import { defineRule, type RuleContext, type RuleFinding } from "./rule.ts";

export default defineRule({
  id: "index-redundancy",
  summary: "An index that is used, or said to be redundant, may go only if a surviving index covers it.",
  rationale:
    "Two indexes that begin with the same column are not the same index. An index is redundant only if one that survives the migration has the same method, leading keys, operator classes, collations, sort options and predicate. A comment that says so is checked against the catalogue, not believed.",
  parameters: z.strictObject({
    observedFor: duration
      .prefault("35d")
      .describe(
        "An index that was scanned within this time counts as used, and one that was not watched for as long as perhaps used.",
      ),
  }),
  evaluate(context, { observedFor }) {
    const findings = [
      ...droppedIndexes(context.analysis).map((drop) => judge(drop, context, observedFor)),
      ...unknownIndexFindings(context.analysis),
    ];
    return findings.length > 0 ? findings : [passed("migrations", "No index is dropped.")];
  },
});

function judge(drop: DropIndexChange, context: RuleContext, observedFor: number): RuleFinding {
  const { definition } = drop.index;
  const { catalog } = context.evidence;
  if (catalog === null || definition === null) {
    return inconclusive({
      subject: displayName(drop.index),
      message: `The catalogue in the evidence does not have ${droppedIndexText(drop)}, so nothing shows whether another index covers it.`,
      help: "Add an evidence bundle with the catalogue of this database.",
      location: drop.statement.location,
    });
  }
  const { survivors, later } = survivorsOf(drop, definition, context.analysis);
  const covering = survivors.filter((survivor) => covers(definition, survivor));
  const claim = redundancyClaim(drop, catalog);
  const refutation = claim === null ? null : refute(claim, definition, survivors, covering);
  const details = {
    keys: keyList(definition),
    covering: covering.slice(0, mostNamed).map(displayName),
    survivors: survivors.slice(0, mostNamed).map(displayName),
    claim: claim === null ? null : { text: claim.comment.text, line: claim.comment.location.line },
  };
  const use = useOf(drop, context, observedFor);
  if (refutation === null && (covering.length > 0 || use === "unused")) {
    const why =
      covering.length > 0
        ? `is covered by ${listedIndexes(covering)}`
        : "is not covered by another index, and no node has scanned it";
    return passed(displayName(drop.index), `${droppedIndexText(drop)} ${why}.`, drop.statement.location, details);
  }
  const uncovered = covering.length > 0 ? null : uncoveredText(definition, survivors, use);
  const tooLate = later.filter((index) => covers(definition, index));
  const order =
    covering.length > 0 || tooLate.length === 0
      ? null
      : `${listedIndexes(tooLate)} would cover it, but is built only after this drop.`;
  return failed({
    subject: displayName(drop.index),
    message: [`${droppedIndexText(drop)} is not shown to be redundant.`, refutation, uncovered, order]
      .filter(Boolean)
      .join(" "),
    help:
      covering.length > 0
        ? "Correct the comment: name the index that survives and covers this one."
        : "Keep the index, or create one that covers it in an earlier migration.",
    location: drop.statement.location,
    details,
  });
}

function uncoveredText(dropped: CatalogIndex, survivors: readonly CatalogIndex[], use: Use): string {
  const subject = { used: "It is in use, and no", unknown: "Its use is not known, and no", unused: "No" }[use];
  return `${subject} surviving index covers ${keyList(dropped)}${nearest(dropped, survivors)}.`;
}

/** What is wrong with the claim, as sentences; null: the catalogue bears it out. */
function refute(
  claim: RedundancyClaim,
  dropped: CatalogIndex,
  survivors: readonly CatalogIndex[],
  covering: readonly CatalogIndex[],
): string | null {
  const where = `The comment in line ${claim.comment.location.line}`;
  if (claim.superseders.length === 0) {
    return covering.length > 0 ? null : `${where} claims redundancy, and the catalogue refutes it.`;
  }
  if (claim.superseders.some((superseder) => covering.some((index) => sameObject(index, superseder)))) return null;
  const reasons = claim.superseders.map((superseder) => {
    if (!survivors.some((index) => sameObject(index, superseder))) {
      return `its claim is circular, since ${displayName(superseder)}, which is to take over, is dropped by the same request`;
    }
    const result = coverage(dropped, superseder);
    return result.covers ? "" : `${displayName(superseder)} ${keyList(superseder)} ${result.because}`;
  });
  return `${where} is refuted: ${listed(reasons.filter((reason) => reason !== ""))}.`;
}

type Use = "used" | "unused" | "unknown";

function useOf(drop: DropIndexChange, { evidence, at }: RuleContext, observedFor: number): Use {
  const seen = evidence.nodes.map((node) =>
    observeIndex(node, drop.index, evidence.catalog, at, { observedFor, maxAge: observedFor }),
  );
  if (seen.some(({ scans }) => (scans ?? 0) > 0)) return "used";
  // Which nodes must have sent evidence is for index-usage to say, but for those that are known to be there.
  const { missing } = requiredNodes(evidence, evidence.requiredNodes === null ? [] : null);
  const isProven = seen.length > 0 && missing.length === 0 && seen.every(({ doubts }) => doubts.length === 0);
  return isProven ? "unused" : "unknown";
}

/** What the survivors that begin alike lack, closest first. */
function nearest(dropped: CatalogIndex, survivors: readonly CatalogIndex[]): string {
  const alike = survivors
    .filter((survivor) => sharedKeys(dropped, survivor) > 0)
    .sort((a, b) => sharedKeys(dropped, b) - sharedKeys(dropped, a))
    .slice(0, 3);
  if (alike.length === 0) return `; none that is left begins with ${leadingKey(dropped)}`;
  const reasons = alike.map((survivor) => {
    const result = coverage(dropped, survivor);
    return result.covers ? indexText(survivor) : `${indexText(survivor)} ${result.because}`;
  });
  return `: ${listed(reasons)}`;
}

function leadingKey({ keys: [first] }: CatalogIndex): string {
  return first === undefined ? "its key" : keyText(first);
}

/** In machines' details; people are told three. */
const mostNamed = 100;

function listedIndexes(indexes: readonly CatalogIndex[]): string {
  const named = indexes.slice(0, 3).map(indexText);
  const more = indexes.length - named.length;
  return listed(more === 0 ? named : [...named, `${grouped(more)} more`]);
}

function indexText(index: CatalogIndex): string {
  return `${displayName(index)} ${keyList(index)}`;
}

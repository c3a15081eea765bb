import { z } from "zod";
import { droppedIndexes, droppedIndexText, unknownIndexFindings } from "../rule-support/dropped-indexes.ts";
import { counted, failed, inconclusive, listed, passed } from "../rule-support/findings.ts";
import { type NodeObservation, observeIndex, requiredNodes } from "../rule-support/observation.ts";
import type { DropIndexChange } from "../sql/change.ts";
import { count, displayName, duration, formatDuration } from "../values.ts";
import { defineRule, type RuleContext, type RuleFinding } from "./rule.ts";

const parameters = z.strictObject({
  maxScans: count.default(0).describe("The most scans that a dropped index may show on any one node."),
  observedFor: duration
    .prefault("35d")
    .describe("How long each node's counters must have been running; 35 days see a month's end."),
  maxAge: duration.prefault("24h").describe("How old the counters may be when the request is decided."),
  nodes: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      "Names of every node that serves queries. Absent: the primary and as many standbys as it reports must have sent evidence.",
    ),
});
type Parameters = z.output<typeof parameters>;

export default defineRule({
  id: "index-usage",
  summary: "A dropped index must show no scans on any node over the observation window.",
  rationale:
    "Scans on a replica are invisible on the primary and the other way round, a crash or a reset starts the counters again, and a monthly job scans once a month. So every node is asked, and each must have been counting for long enough.",
  parameters,
  evaluate(context, options) {
    const drops = droppedIndexes(context.analysis);
    const findings = [...drops.map((drop) => judge(drop, context, options)), ...unknownIndexFindings(context.analysis)];
    return findings.length > 0 ? findings : [passed("migrations", "No index is dropped.")];
  },
});

function judge(drop: DropIndexChange, context: RuleContext, options: Parameters): RuleFinding {
  const { nodes, missing } = requiredNodes(context.evidence, options.nodes ?? null);
  const observations = nodes.map((node) =>
    observeIndex(node, drop.index, context.evidence.catalog, context.at, options),
  );
  const details = { nodes: observations.map(toDetails), missingNodes: missing };
  const subject = displayName(drop.index);
  const what = droppedIndexText(drop);
  const location = drop.statement.location;

  const used = observations.filter((seen) => seen.scans !== null && seen.scans > options.maxScans);
  if (used.length > 0) {
    return failed({
      subject,
      message: `${what} is in use: ${used.map(usedOn).join("; ")}.`,
      help: "Keep the index: take this statement out of the migration.",
      location,
      details,
    });
  }
  const doubts = [...missing, ...observations.flatMap((seen) => seen.doubts)];
  if (doubts.length > 0) {
    return inconclusive({
      subject,
      message: [`Nothing proves that ${what} is unused: ${doubts.join("; ")}.`, ...context.evidence.problems].join(" "),
      help: `Send index usage of every node that is at most ${formatDuration(options.maxAge)} old and covers at least ${formatDuration(options.observedFor)}.`,
      location,
      details,
    });
  }
  const unknownAge = observations.some((seen) => seen.indexAgeUnknown)
    ? " When the index was created is not known."
    : "";
  const scans = options.maxScans === 0 ? "has no scans" : `has at most ${counted(options.maxScans, "scan")}`;
  return passed(
    subject,
    `${what} ${scans} on ${listed(nodes.map(({ name }) => name))}.${unknownAge}`,
    location,
    details,
  );
}

function usedOn(seen: NodeObservation): string {
  const since = seen.scansSince === null ? "" : ` since ${seen.scansSince.toISOString().slice(0, 10)}`;
  const last = seen.lastScan === null ? "" : `, last on ${seen.lastScan.toISOString().slice(0, 10)}`;
  return `${counted(seen.scans ?? 0, "scan")} on ${seen.node}${since}${last}`;
}

function toDetails(seen: NodeObservation): Record<string, unknown> {
  return {
    node: seen.node,
    role: seen.role,
    scans: seen.scans,
    windowStart: seen.windowStart?.toISOString() ?? null,
    capturedAt: seen.capturedAt?.toISOString() ?? null,
    doubts: seen.doubts,
  };
}

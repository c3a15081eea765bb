import { z } from "zod";
import { judgePlans } from "../rule-support/plan-findings.ts";
import { count, duration } from "../values.ts";
import { defineRule } from "./rule.ts";

export default defineRule({
  id: "replica-explain",
  summary: "Every affected query needs its plan from a replica before, and its plan after, without a flip.",
  rationale:
    "The planner itself says what a migration does to a query: EXPLAIN on a replica with production's data before, EXPLAIN on a disposable clone with the migration applied after. A relation that was read through an index and is then read as a whole is the outage of next Monday.",
  parameters: z.strictObject({
    maxAge: duration.prefault("24h").describe("How old a plan may be when the request is decided."),
    maxCostRatio: z.number().min(1).default(2).describe("The most that a plan's cost may grow."),
    smallTableRows: count
      .default(1000)
      .describe("Tables with fewer rows may be read as a whole; an unknown size counts as large."),
    source: z
      .enum(["replica", "any"])
      .default("replica")
      .describe("Where *before* plans must come from; `any` for clusters without a replica."),
    minCoverage: z
      .number()
      .gt(0)
      .max(1)
      .default(0.95)
      .describe("The share of the affected queries' total time that must have plans."),
  }),
  evaluate(context, parameters) {
    return judgePlans(context, {
      ...parameters,
      methods: { before: ["explain", "explain-analyze"], after: ["explain", "explain-analyze", "clone", "hypopg"] },
      obtain: "Collect EXPLAIN on a replica before, and on a disposable clone with these migrations applied after.",
    });
  },
});

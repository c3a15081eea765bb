import { z } from "zod";
import { judgePlans } from "../rule-support/plan-findings.ts";
import { count } from "../values.ts";
import { defineRule } from "./rule.ts";

export default defineRule({
  id: "plan-regression",
  summary: "The simulated plans of the known workload must not flip or cost much more.",
  rationale:
    "A simulation plans the known workload before and after the migration without touching a server. Where `replica-explain` asks people to bring plans, this rule judges those that were computed (`method: simulated`).",
  parameters: z.strictObject({
    maxCostRatio: z.number().min(1).default(2).describe("The most that a plan's cost may grow."),
    smallTableRows: count
      .default(1000)
      .describe("Tables with fewer rows may be read as a whole; an unknown size counts as large."),
  }),
  evaluate(context, parameters) {
    return judgePlans(context, {
      ...parameters,
      maxAge: Number.POSITIVE_INFINITY,
      source: "any",
      minCoverage: 1,
      methods: { before: ["simulated"], after: ["simulated"] },
      obtain: "Add simulated plans of these migrations for every query that reads the table.",
    });
  },
});

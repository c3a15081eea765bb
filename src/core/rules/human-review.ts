import { z } from "zod";
import { aiAssistance } from "../ai-assistance.ts";
import type { Approval } from "../approvals.ts";
import { clockToleranceMs } from "../evidence/usable.ts";
import { personKey } from "../person.ts";
import { counted, failed, listed, passed } from "../rule-support/findings.ts";
import { count } from "../values.ts";
import { defineRule, type RuleContext } from "./rule.ts";

export default defineRule({
  id: "human-review",
  summary: "People other than the requester must have looked at the query plans.",
  rationale:
    "A migration that reads well and sounds sure is what gets waved through. The review that counts is of the query plans before and after, by someone who did not ask for the deploy.",
  parameters: z.strictObject({
    when: z
      .enum(["always", "ai-assisted"])
      .default("always")
      .describe("`always`: every schema change; `ai-assisted`: those that an AI assistant helped to write."),
    approvals: count.min(1).default(1).describe("How many different people must approve."),
  }),
  evaluate(context, { when, approvals: needed }) {
    const { request, analysis } = context;
    const subject = `${request.service}/${request.environment}`;
    const reviewable = analysis.changes.some((change) => change.kind !== "data");
    if (!reviewable) return [passed(subject, "No schema change needs a review.")];
    const assistance = aiAssistance(request, analysis.comments);
    if (when === "ai-assisted" && assistance === null) {
      return [passed(subject, "Nothing says that an AI assistant helped to write the change.")];
    }
    const reviewers = reviewersOf(context);
    const author = assistance === null ? "" : ` It was written with an AI assistant (${assistance.source}).`;
    if (reviewers.length >= needed) {
      return [
        passed(subject, `${listed(reviewers)} approved the query plans.`, null, {
          reviewers,
          aiAssisted: assistance !== null,
        }),
      ];
    }
    const others = ` other than ${request.requestedBy ?? "the requester"}`;
    return [
      failed({
        subject,
        message: `The schema change has ${reviewers.length === 0 ? "no approval" : counted(reviewers.length, "approval")} of its query plans by people${others}; ${needed} ${needed === 1 ? "is" : "are"} needed.${author}`,
        help: "Ask a colleague to look at the query plans before and after, and add the approval to the request.",
        location: analysis.statements[0]?.location ?? null,
        details: { reviewers, needed, aiAssisted: assistance !== null },
      }),
    ];
  },
});

/** Different people, each once, without the requester and without statements from the future. */
function reviewersOf({ approvals, request, at }: RuleContext): string[] {
  const requester = personKey(request.requestedBy ?? "");
  const known = new Map<string, string>();
  for (const { by, at: approvedAt } of approvals.filter(isInThePast(at))) {
    if (personKey(by) !== "" && personKey(by) !== requester && approvedAt !== undefined) known.set(personKey(by), by);
  }
  return [...known.values()];
}

function isInThePast(at: Date) {
  return (approval: Approval) => approval.at === null || approval.at.getTime() <= at.getTime() + clockToleranceMs;
}

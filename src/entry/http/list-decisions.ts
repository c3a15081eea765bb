import { z } from "zod";
import { type Caller, coversEverything, NotPermitted, requireCovered } from "../../app/caller.ts";
import { decisionSchema } from "../../core/decision.ts";
import { nameParameter, wholeNumber } from "./query.ts";
import { defineRoute } from "./route.ts";

export const listDecisions = defineRoute({
  method: "get",
  path: "/v1/decisions",
  operationId: "listDecisions",
  summary: "Lists stored decisions, newest first.",
  access: ["read"],
  query: z.strictObject({
    service: nameParameter.optional(),
    environment: nameParameter.optional(),
    decision: z.enum(["approved", "rejected"]).optional(),
    before: nameParameter
      .optional()
      .describe("Only decisions made before the one with this id: `next` of the page before."),
    limit: wholeNumber(1, 100, 20).describe("How many, at most. Default: 20."),
  }),
  responses: {
    200: {
      description: "One page. `next` is null on the last.",
      schema: z.strictObject({ decisions: z.array(decisionSchema), next: z.string().nullable() }),
    },
    400: { description: "The query is not valid." },
    503: { description: "The database does not answer." },
  },
  async handle({ ports }, { query, caller }) {
    const { service = null, environment = null, decision = null, before = null, limit } = query;
    requireReadable(caller, service, environment);
    const found = await ports.decisions.list({ service, environment, decision, before, limit: limit + 1 });
    const page = found.slice(0, limit).map((record) => record.decision);
    return {
      status: 200,
      body: { decisions: page, next: found.length > limit ? (page.at(-1)?.id ?? null) : null },
    };
  },
});

/** Pages are cut by the database, which knows nothing of callers: who may not see all has to say which. */
function requireReadable(caller: Caller, service: string | null, environment: string | null): void {
  if (coversEverything(caller)) return;
  if (service === null || environment === null) {
    throw new NotPermitted(`The caller ${caller.name} may not list all decisions: give service= and environment=.`);
  }
  requireCovered(caller, { service, environment });
}

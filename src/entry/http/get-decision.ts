import { covers } from "../../app/caller.ts";
import { decisionSchema } from "../../core/decision.ts";
import { HttpError } from "./problem.ts";
import { noQuery } from "./query.ts";
import { defineRoute } from "./route.ts";

export const getDecision = defineRoute({
  method: "get",
  path: "/v1/decisions/{id}",
  operationId: "getDecision",
  summary: "Gives a stored decision as it was answered.",
  access: ["read"],
  query: noQuery,
  responses: {
    200: { description: "The decision.", schema: decisionSchema },
    404: { description: "No decision has this id." },
    503: { description: "The database does not answer." },
  },
  async handle({ ports }, { params, caller }) {
    const { id = "" } = params;
    // Ids that cannot be are not worth a question (and PostgreSQL's text cannot hold NUL).
    const record = /^dec_[0-9A-Za-z]{1,60}$/.test(id) ? await ports.decisions.find(id) : null;
    if (record === null || !covers(caller, record.decision))
      throw new HttpError(404, "decision-not-found", "No decision has this id.");
    return { status: 200, body: record.decision };
  },
});

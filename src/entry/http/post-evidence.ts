import { z } from "zod";
import { evidenceFileSchema, parseEvidence } from "../../core/evidence/bundle.ts";
import { bundleSummarySchema, summarize } from "./bundle-summary.ts";
import { nameParameter } from "./query.ts";
import { defineRoute } from "./route.ts";

export const postEvidence = defineRoute({
  method: "post",
  path: "/v1/evidence",
  operationId: "pushEvidence",
  summary: "Stores evidence bundles ahead of a deploy; requests on this database use them.",
  query: z.strictObject({ database: nameParameter.describe("What deploy requests call `database`.") }),
  body: evidenceFileSchema,
  responses: {
    201: { description: "Stored. Bundles that were there already stay as they are.", schema: bundleSummarySchema },
    400: { description: "The body is not an evidence bundle or an array of them; `errors` names every place." },
    413: { description: "The body is larger than 8 MiB." },
    415: { description: "The body is not application/json in UTF-8, or is compressed." },
    503: { description: "The database does not answer." },
  },
  async handle({ ports, anonymous, log }, { query, json, id }) {
    const { value } = await json();
    const bundles = parseEvidence(value, "The evidence is not valid", "asserted");
    const raws: unknown[] = Array.isArray(value) ? value : [value];
    const received = bundles.map((parsed, index) => ({ parsed, raw: raws[index] }));
    await ports.evidence.add(query.database, received, anonymous.name);
    const digests = bundles.map(({ digest }) => digest);
    log.info({ database: query.database, digests, requestId: id }, "evidence stored");
    return { status: 201, body: { bundles: bundles.map(summarize) } };
  },
});

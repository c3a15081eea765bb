import { z } from "zod";
import { requireDatabase } from "../../app/caller.ts";
import { judgeEvidence, receiveEvidence } from "../../app/received-evidence.ts";
import { InputError } from "../../core/errors.ts";
import { evidenceFileSchema } from "../../core/evidence/bundle.ts";
import { bundleSummarySchema, summarize } from "./bundle-summary.ts";
import { nameParameter } from "./query.ts";
import { defineRoute } from "./route.ts";

export const postEvidence = defineRoute({
  method: "post",
  path: "/v1/evidence",
  operationId: "pushEvidence",
  summary: "Stores evidence bundles ahead of a deploy; requests on this database use them.",
  access: ["push-evidence"],
  query: z.strictObject({ database: nameParameter.describe("What deploy requests call `database`.") }),
  body: evidenceFileSchema,
  responses: {
    201: {
      description: "Stored. A bundle that was there already can gain trust, and never loses any.",
      schema: bundleSummarySchema,
    },
    400: { description: "The body is not an evidence bundle or an array of them; `errors` names every place." },
    413: { description: "The body is larger than 8 MiB." },
    415: { description: "The body is not application/json in UTF-8, or is compressed." },
    422: { description: "A bundle's signature does not hold; `errors` names each one. Nothing is stored." },
    503: { description: "The database does not answer." },
  },
  async handle({ ports, log }, { query, json, id, caller }) {
    requireDatabase(caller, query.database);
    const { value } = await json();
    const received = receiveEvidence(value, "The evidence is not valid");
    const { accepted, refused } = judgeEvidence(received, ports.evidenceTrust, ports.clock.now());
    if (refused.length > 0) {
      const place = (position: number) => (Array.isArray(value) ? `[${position}].signature` : "signature");
      const issues = refused.map(({ position, message }) => ({ path: place(position), message }));
      throw new InputError("evidence-refused", "Nothing was stored", issues);
    }
    await ports.evidence.add(query.database, accepted, caller.name);
    const bundles = accepted.map(({ parsed }) => parsed);
    const digests = bundles.map(({ digest }) => digest);
    log.info({ database: query.database, digests, caller: caller.name, requestId: id }, "evidence stored");
    return { status: 201, body: { bundles: bundles.map(summarize) } };
  },
});

import { z } from "zod";
import { requireDatabase } from "../../app/caller.ts";
import { completeEvidence, gatherEvidence } from "../../app/gather-evidence.ts";
import { stillTrusted } from "../../app/received-evidence.ts";
import { bundleSummarySchema, summarize } from "./bundle-summary.ts";
import { nameParameter } from "./query.ts";
import { defineRoute } from "./route.ts";

export const getEvidence = defineRoute({
  method: "get",
  path: "/v1/evidence",
  operationId: "listEvidence",
  summary: "Lists the evidence bundles that the gate holds for requests on this database, newest first.",
  access: ["read"],
  query: z.strictObject({ database: nameParameter }),
  responses: {
    200: { description: "The bundles, without their contents.", schema: bundleSummarySchema },
    400: { description: "The query is not valid." },
    503: { description: "The database does not answer." },
  },
  async handle({ ports }, { query, caller }) {
    requireDatabase(caller, query.database);
    const gathered = await gatherEvidence(ports, ports.policies.current().set, query.database, false);
    const held = stillTrusted(gathered.stored, ports.evidenceTrust, ports.clock.now());
    const { bundles } = completeEvidence(held.bundles, gathered);
    return { status: 200, body: { bundles: bundles.map(summarize) } };
  },
});

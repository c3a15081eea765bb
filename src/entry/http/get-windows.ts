import { z } from "zod";
import { requireCovered } from "../../app/caller.ts";
import { describeWindows } from "../../app/windows.ts";
import { windowStateSchema } from "../../core/decision.ts";
import { changeKinds } from "../../core/policy/policy.ts";
import { duration, instant } from "../../core/values.ts";
import { nameParameter, wholeNumber } from "./query.ts";
import { defineRoute } from "./route.ts";

const intervalSchema = z.strictObject({ start: z.iso.datetime(), end: z.iso.datetime().nullable() });

export const getWindows = defineRoute({
  method: "get",
  path: "/v1/windows",
  operationId: "getWindows",
  summary: "Says whether a deploy may start, and when.",
  access: ["read", "request"],
  query: z.strictObject({
    environment: nameParameter,
    service: nameParameter,
    changes: z.enum(changeKinds).default("schema"),
    at: instant.optional().describe("Default: now."),
    duration: duration.optional().describe("How long the deploy takes; the policies' own duration is the least."),
    count: wholeNumber(1, 100, 5).describe("How many upcoming intervals to list. Default: 5."),
  }),
  responses: {
    200: {
      description: "The calendar's state, and the intervals in which it is open.",
      schema: z.strictObject({
        policies: z.array(z.string()),
        policyDigest: z.string(),
        timeZoneDatabase: z.string(),
        window: windowStateSchema,
        intervals: z.array(intervalSchema),
      }),
    },
    400: { description: "The query is not valid." },
  },
  async handle({ ports, settings, clock }, { query, caller }) {
    requireCovered(caller, query);
    const { set } = ports.policies.current();
    const { service, environment, changes, at, duration: durationMs = null, count } = query;
    const answer = describeWindows(set, { service, environment, changes, at: at ?? clock.now(), durationMs, count });
    return {
      status: 200,
      body: {
        policies: answer.policies,
        policyDigest: set.digest,
        timeZoneDatabase: settings.timeZoneDatabase,
        window: answer.window,
        intervals: answer.intervals.map(({ start, end }) => ({ start, end })),
      },
    };
  },
});

import { z } from "zod";
import { noQuery } from "./query.ts";
import { defineRoute } from "./route.ts";

const readiness = z.strictObject({
  ready: z.boolean(),
  database: z.enum(["ok", "unavailable"]),
  policies: z.string().describe("`ok`, or `stale since <instant>` while the files are broken."),
  configuration: z
    .string()
    .describe("`ok`, or `stale since <instant>` while plangate.yaml is broken and new revocations are not known."),
  evidence: z
    .array(
      z.strictObject({
        database: z.string(),
        node: z.string(),
        state: z.enum(["not read yet", "ok", "failing"]),
        lastRead: z.iso.datetime().nullable(),
        retryAt: z.iso.datetime().nullable().describe("After failures: the server is not asked again before."),
      }),
    )
    .describe("The servers that the gate reads itself. One that fails does not make the gate unready."),
});

export const readyz = defineRoute({
  method: "get",
  path: "/readyz",
  operationId: "readiness",
  summary: "Says whether the gate can decide.",
  access: "open",
  query: noQuery,
  responses: {
    200: { description: "It can.", schema: readiness },
    503: { description: "It cannot, or is shutting down.", schema: readiness, contentType: "application/json" },
  },
  async handle({ ports, settings, clock, pingDatabase, isStopping, databaseStates, humanTokens, log }) {
    const answers = await pingDatabase().then(
      () => true,
      (error: unknown) => {
        log.warn({ code: (error as NodeJS.ErrnoException).code }, "the database does not answer");
        return false;
      },
    );
    const { staleSince } = ports.policies.current();
    const tooStale = staleSince !== null && clock.now().getTime() - staleSince.getTime() >= settings.staleAfterMs;
    const ready = answers && !tooStale && !isStopping();
    return {
      status: ready ? 200 : 503,
      body: {
        ready,
        database: answers ? "ok" : "unavailable",
        policies: freshness(staleSince),
        configuration: freshness(humanTokens.staleSince()),
        evidence: databaseStates().map(({ database, node, state, lastRead, retryAt }) => ({
          database,
          node,
          state,
          lastRead: lastRead?.toISOString() ?? null,
          retryAt: retryAt?.toISOString() ?? null,
        })),
      },
    };
  },
});

function freshness(staleSince: Date | null): string {
  return staleSince === null ? "ok" : `stale since ${staleSince.toISOString()}`;
}

import { z } from "zod";
import type { EvidenceBundleInput } from "../../core/evidence/bundle.ts";
import { count, instant } from "../../core/values.ts";
import { plannerSettings } from "./planner-settings.ts";
import serverSql from "./queries/server.sql";
import standbysSql from "./queries/standbys.sql";
import type { Snapshot } from "./snapshot.ts";

const serverFactsSchema = z.strictObject({
  capturedAt: instant,
  inRecovery: z.boolean(),
  systemIdentifier: z.string(),
  version: z.string(),
  versionNumber: z.number(),
  database: z.string(),
  address: z.string().nullable(),
  port: count,
  startedAt: instant,
  locale: z.record(z.string(), z.string()),
  databaseReset: instant.nullable(),
  serverReset: instant.nullable(),
  counts: z.boolean(),
  countsAlways: z.boolean(),
  role: z.string(),
  superuser: z.boolean(),
  mayMonitor: z.boolean(),
  searchPath: z.string(),
  settings: z.record(z.string(), z.string()),
  ownSettings: z.array(z.string()),
  tablespacesWithCosts: z.array(z.string()),
  extensions: z.array(z.strictObject({ name: z.string(), version: z.string(), schema: z.string() })),
});

export type ServerFacts = z.output<typeof serverFactsSchema>;

/** 130000 is the first version 13. */
export const oldestSupported = 130_000;

export function readServerFacts(snapshot: Snapshot): Promise<ServerFacts> {
  return snapshot.mustRead(serverSql, serverFactsSchema, [plannerSettings]);
}

/** What plans depend on beyond the bundle's settings. */
export function settingNotes({ ownSettings, tablespacesWithCosts }: ServerFacts): string[] {
  return [
    ...(ownSettings.length > 0 ? [`roles plan with settings of their own: ${ownSettings.join(", ")}`] : []),
    ...(tablespacesWithCosts.length > 0
      ? [`tablespaces have page costs of their own: ${tablespacesWithCosts.join(", ")}`]
      : []),
  ];
}

const standbysSchema = z.array(
  z.strictObject({ applicationName: z.string().optional(), address: z.string().optional() }),
);

/** The bundle's `server`. Standbys are null where the role would not be shown them. */
export async function readServer(
  snapshot: Snapshot,
  name: string,
  facts: ServerFacts,
): Promise<EvidenceBundleInput["server"]> {
  const standbys = facts.mayMonitor ? await snapshot.mustRead(standbysSql, standbysSchema) : null;
  const { provider = "libc", ...locale } = facts.locale;
  return {
    name,
    role: facts.inRecovery ? "replica" : "primary",
    systemIdentifier: facts.systemIdentifier,
    database: facts.database,
    ...(facts.address !== null && { address: facts.address }),
    port: facts.port,
    startedAt: facts.startedAt.toISOString(),
    serverVersion: facts.version,
    settings: facts.settings,
    locale: { provider, ...locale },
    ...(standbys !== null && { standbys: standbys.length, standbyNodes: standbys }),
  };
}

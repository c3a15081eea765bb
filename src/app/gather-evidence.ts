import type { TrustedBundle } from "../core/evidence/bundle.ts";
import { type IndexAge, withFirstSeen } from "../core/evidence/index-ages.ts";
import type { RequiredNode } from "../core/evidence/view.ts";
import type { PolicySet } from "../core/policy/policy.ts";
import type { DatabaseReader, EvidenceStore, NodeReading } from "./ports.ts";

export interface EvidencePorts {
  evidence: EvidenceStore;
  databases: DatabaseReader;
}

export interface GatheredEvidence {
  database: string | null;
  /** What the gate holds of the database: pulled, signed and asserted. */
  stored: TrustedBundle[];
  /** The servers that the gate reads itself; null: none of this database. */
  requiredNodes: RequiredNode[] | null;
  /** The cluster that the database is, as configured; null: not known. */
  systemIdentifier: string | null;
  ages: readonly IndexAge[];
  warnings: string[];
}

/**
 * What the gate knows of a database, read anew where that is not fresh. In bounded time; a server that cannot be read is a warning
 * and a node that proves nothing. `needed: false`: the request changes nothing that evidence is about. Throws StoreError.
 */
export async function gatherEvidence(
  ports: EvidencePorts,
  policies: PolicySet,
  database: string | null,
  needed: boolean,
): Promise<GatheredEvidence> {
  const { evidence, databases } = ports;
  if (database === null) {
    const warnings = needed && databases.names.length > 0 ? [noDatabase] : [];
    return { database, stored: [], requiredNodes: null, systemIdentifier: null, ages: [], warnings };
  }
  const times = policies.policies.flatMap((policy) => policy.rules.map(({ rule }) => rule.times));
  const readings = needed ? await refresh(databases, database, times) : [];
  const configured = databases.find(database);
  return {
    database,
    stored: ofNodes(await evidence.bundlesOf(database, lookBacksOf(times)), configured?.nodes ?? []),
    requiredNodes: configured?.nodes.map((name) => ({ name, freshFrom: staleness(name, readings) })) ?? null,
    systemIdentifier: configured?.systemIdentifier ?? null,
    ages: await evidence.indexAges(database),
    warnings: [
      ...(needed ? unknownDatabase(databases, database) : []),
      ...readings.flatMap(({ problem }) => (problem === null ? [] : `Evidence is missing. ${problem}.`)),
    ],
  };
}

/** Bundles from anywhere with what the gate remembers of their indexes; those of another cluster are left out. */
export function completeEvidence(
  bundles: readonly TrustedBundle[],
  { database, systemIdentifier, ages }: GatheredEvidence,
): { bundles: TrustedBundle[]; warnings: string[] } {
  const own: TrustedBundle[] = [];
  const warnings = new Set<string>();
  for (const trusted of bundles) {
    const { name, systemIdentifier: found } = trusted.bundle.server;
    if (systemIdentifier === null || found == null || found === systemIdentifier) own.push(trusted);
    else {
      const why = `it is of the cluster ${found}, and ${database} is ${systemIdentifier}`;
      warnings.add(`The bundle of ${name} does not count: ${why}.`);
    }
  }
  return { bundles: withFirstSeen(own, ages), warnings: [...warnings] };
}

const noDatabase =
  "The request names no database, so the gate read no server for it. Set `database` in the request, or for the service in plangate.yaml.";

type Times = PolicySet["policies"][number]["rules"][number]["rule"]["times"];

/** What is read must not grow too old while the request is judged: at most half as old as the strictest policy allows. */
function refresh(databases: DatabaseReader, database: string, times: readonly Times[]): Promise<NodeReading[]> {
  const strictest = Math.min(...times.flatMap(({ maxAge }) => maxAge ?? []));
  return databases.refresh(database, strictest / 2);
}

function lookBacksOf(times: readonly Times[]): number[] {
  return [...new Set(times.flatMap(({ observedFor }) => observedFor ?? []))];
}

/** What the gate read of a server that is no longer configured says nothing about the cluster of today. */
function ofNodes(bundles: readonly TrustedBundle[], names: readonly string[]): TrustedBundle[] {
  return bundles.filter(({ bundle, trust }) => trust !== "pulled" || names.includes(bundle.server.name));
}

function staleness(name: string, readings: readonly NodeReading[]): Date | null {
  const reading = readings.find(({ node }) => node === name);
  return reading === undefined || reading.problem === null ? null : reading.freshFrom;
}

function unknownDatabase({ names, find }: DatabaseReader, database: string): string[] {
  if (names.length === 0 || find(database) !== null) return [];
  return [
    `The gate reads no server of the database ${JSON.stringify(database)}; plangate.yaml has: ${names.join(", ")}. Only evidence that was sent counts.`,
  ];
}

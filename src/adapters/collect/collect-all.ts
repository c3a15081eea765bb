import { PlangateError } from "../../core/errors.ts";
import type { EvidenceBundleInput } from "../../core/evidence/bundle.ts";
import type { ServerAddress } from "../servers/server-address.ts";
import { type CollectOptions, collectEvidence } from "./collect-evidence.ts";

/**
 * The bundles of several servers of one cluster, read in parallel, in the order of `servers`.
 * @throws PlangateError: one server failed (all failures are told), or they are of different clusters (`mixed-clusters`).
 */
export async function collectAll(
  servers: readonly ServerAddress[],
  options: CollectOptions,
): Promise<EvidenceBundleInput[]> {
  const outcomes = await Promise.allSettled(servers.map((server) => collectEvidence(server, options)));
  const failures: unknown[] = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  const [failure] = failures;
  if (failures.length > 1 && failures.every((reason) => reason instanceof PlangateError)) {
    const lines = failures.map(({ message }) => message);
    throw new PlangateError("servers-failed", lines.join("\n"), { cause: failure });
  }
  if (failure !== undefined) throw failure;
  const bundles = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  refuseMixedClusters(bundles);
  return bundles;
}

function refuseMixedClusters(bundles: readonly EvidenceBundleInput[]): void {
  const identifiers = new Set(bundles.map(({ server }) => server.systemIdentifier));
  if (identifiers.size < 2) return;
  const lines = bundles.map(({ server }) => `${server.name} is of cluster ${server.systemIdentifier}`);
  throw new PlangateError(
    "mixed-clusters",
    `The servers are not of one cluster: ${lines.join(", ")}. Collect each cluster on its own.`,
  );
}

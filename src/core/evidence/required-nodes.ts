import type { EvidenceBundle } from "./bundle.ts";
import type { EvidenceNode, RequiredNode } from "./view.ts";

/**
 * Is there evidence of a server that the gate reads itself? Of one that could not be read only what is fresh all the same, of the
 * highest trust that the server has: what somebody sends does not stand in for what the gate could not read.
 */
export function isKnown(
  { name, freshFrom }: RequiredNode,
  nodes: readonly EvidenceNode[],
  tells: (bundle: EvidenceBundle) => boolean,
): boolean {
  const bundles = nodes.find((node) => node.name === name)?.bundles ?? [];
  if (freshFrom === null) return bundles.length > 0;
  return bundles.some(
    ({ bundle, trust }) => trust === bundles[0]?.trust && tells(bundle) && bundle.capturedAt >= freshFrom,
  );
}

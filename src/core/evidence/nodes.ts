import type { TrustedBundle } from "./bundle.ts";
import type { EvidenceNode } from "./view.ts";

/**
 * Bundles of one server under one node. A server is known by its name, and by address, port and start time together, so that
 * one server under two names is one node (of the name that comes first among the most trusted). Primaries come first.
 */
export function groupByNode(bundles: readonly TrustedBundle[]): EvidenceNode[] {
  const groups: { keys: Set<string>; bundles: TrustedBundle[] }[] = [];
  for (const bundle of bundles) {
    const keys = identities(bundle);
    const matching = groups.filter((group) => keys.some((key) => group.keys.has(key)));
    const members = new Set([...matching.flatMap((group) => group.bundles), bundle]);
    const merged = {
      keys: new Set([...keys, ...matching.flatMap((group) => [...group.keys])]),
      bundles: bundles.filter((candidate) => members.has(candidate)),
    };
    for (const group of matching) groups.splice(groups.indexOf(group), 1);
    groups.push(merged);
  }
  const nodes = groups.flatMap(({ bundles: own }) => {
    const [first] = own;
    if (first === undefined) return [];
    // The most trusted bundles come first, and theirs is the name.
    const names = own.flatMap(({ bundle, trust }) => (trust === first.trust ? bundle.server.name : [])).sort();
    return [{ name: names[0] ?? first.bundle.server.name, role: first.bundle.server.role, bundles: own }];
  });
  return nodes.sort((a, b) => a.role.localeCompare(b.role) || a.name.localeCompare(b.name));
}

function identities({ bundle: { server } }: TrustedBundle): string[] {
  const keys = [`name ${server.name}`];
  if (server.address != null && server.port != null && server.startedAt != null) {
    keys.push(`process ${server.address} ${server.port} ${server.startedAt.getTime()}`);
  }
  return keys;
}

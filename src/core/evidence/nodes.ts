import type { Trust, TrustedBundle } from "./bundle.ts";
import { isLower } from "./usable.ts";
import type { EvidenceNode } from "./view.ts";

interface Group {
  /** Of its first bundle, which is its highest. */
  trust: Trust;
  keys: Set<string>;
  bundles: Set<TrustedBundle>;
}

/**
 * Bundles of one server under one node. A server is known by its name, and by address, port and start time together, so that
 * one server under two names is one node (of the name that comes first among the most trusted). What a less trusted bundle says
 * makes no node out of two that more trusted ones tell apart. Primaries come first.
 * @param bundles highest trust first
 */
export function groupByNode(bundles: readonly TrustedBundle[]): EvidenceNode[] {
  let groups: Group[] = [];
  for (const bundle of bundles) {
    const keys = identities(bundle);
    const matching = groups.filter((group) => keys.some((key) => group.keys.has(key)));
    const above = matching.filter((group) => isLower(bundle.trust, group.trust));
    const home = above.find((group) => group.keys.has(nameKey(bundle))) ?? above[0];
    const joined = matching.filter((group) => group === home || !above.includes(group));
    const taken = new Set(above.flatMap((group) => (group === home ? [] : [...group.keys])));
    const merged: Group = {
      trust: (home ?? joined[0])?.trust ?? bundle.trust,
      keys: new Set([...joined.flatMap((group) => [...group.keys]), ...keys.filter((key) => !taken.has(key))]),
      bundles: new Set([...joined.flatMap((group) => [...group.bundles]), bundle]),
    };
    groups = [...groups.filter((group) => !joined.includes(group)), merged];
  }
  const nodes = groups.flatMap((group) => {
    const own = bundles.filter((bundle) => group.bundles.has(bundle));
    const [first] = own;
    if (first === undefined) return [];
    // The most trusted bundles come first, and theirs is the name.
    const names = own.flatMap(({ bundle, trust }) => (trust === first.trust ? bundle.server.name : [])).sort();
    return [{ name: names[0] ?? first.bundle.server.name, role: first.bundle.server.role, bundles: own }];
  });
  return nodes.sort((a, b) => a.role.localeCompare(b.role) || a.name.localeCompare(b.name));
}

function nameKey({ bundle: { server } }: TrustedBundle): string {
  return `name ${server.name}`;
}

function identities(bundle: TrustedBundle): string[] {
  const { address, port, startedAt } = bundle.bundle.server;
  const keys = [nameKey(bundle)];
  if (address != null && port != null && startedAt != null) {
    keys.push(`process ${address} ${port} ${startedAt.getTime()}`);
  }
  return keys;
}

import { type Trust, type TrustedBundle, trustLevels } from "./bundle.ts";

/** Clocks of servers and gate may differ by this much before a bundle counts as "from the future". */
export const clockToleranceMs = 5 * 60_000;

export interface UsableBundles {
  /** Highest trust first, then newest first. */
  usable: TrustedBundle[];
  /** What was left out, and why: sentences. */
  problems: string[];
}

/** The bundles that a policy can use: trusted enough, not from the future, of one database of one cluster. */
export function usableBundles(bundles: readonly TrustedBundle[], minTrust: Trust, at: Date): UsableBundles {
  const problems: string[] = [];
  const candidates = byTrustAndAge(bundles).filter(({ bundle, trust }) => {
    const name = bundle.server.name;
    if (isLower(trust, minTrust)) {
      problems.push(`The bundle of ${name} is ${trust}; the policy demands ${minTrust} evidence.`);
      return false;
    }
    if (bundle.capturedAt.getTime() > at.getTime() + clockToleranceMs) {
      problems.push(`The bundle of ${name} was captured at ${bundle.capturedAt.toISOString()}, after this evaluation.`);
      return false;
    }
    return true;
  });
  const ofCluster = ofOne(candidates, "cluster", "system identifier", problems);
  return { usable: ofOne(ofCluster, "database", "name", problems), problems };
}

export function isLower(trust: Trust, than: Trust): boolean {
  return trustLevels.indexOf(trust) < trustLevels.indexOf(than);
}

/**
 * The bundles whose word on a fact counts, the decisive one first: the newest of the highest trust, and what less trusted ones said
 * at that moment or later. Those can make it worse, and never better.
 */
export function latestWord(
  bundles: readonly TrustedBundle[],
  tells: (bundle: TrustedBundle["bundle"]) => boolean,
): TrustedBundle[] {
  const [first, ...rest] = bundles.filter(({ bundle }) => tells(bundle));
  if (first === undefined) return [];
  const { trust, bundle } = first;
  return [first, ...rest.filter((other) => other.trust !== trust && other.bundle.capturedAt >= bundle.capturedAt)];
}

function byTrustAndAge(bundles: readonly TrustedBundle[]): TrustedBundle[] {
  return [...bundles].sort(
    (a, b) =>
      trustLevels.indexOf(b.trust) - trustLevels.indexOf(a.trust) ||
      b.bundle.capturedAt.getTime() - a.bundle.capturedAt.getTime(),
  );
}

/**
 * Which cluster (or database) the evidence is of, the most trusted bundles that say so decide, and less trusted ones of another are
 * left out. Where the most trusted contradict each other, nothing says which of them are meant.
 */
function ofOne(
  bundles: readonly TrustedBundle[],
  what: "cluster" | "database",
  identifier: string,
  problems: string[],
): TrustedBundle[] {
  const identityOf = ({ bundle: { server } }: TrustedBundle) =>
    (what === "cluster" ? server.systemIdentifier : server.database) ?? null;
  const decisive = bundles.find((bundle) => identityOf(bundle) !== null);
  if (decisive === undefined) return [...bundles];
  const known = new Set(
    bundles.filter(({ trust }) => trust === decisive.trust).flatMap((bundle) => identityOf(bundle) ?? []),
  );
  if (known.size > 1) {
    const list = [...known].join(", ");
    problems.push(`The bundles are of ${known.size} ${what}s (${identifier}s ${list}); none of them counts.`);
    return [];
  }
  return bundles.filter((bundle) => {
    const identity = identityOf(bundle);
    if (identity === null || known.has(identity)) return true;
    problems.push(
      `The bundle of ${bundle.bundle.server.name} is of another ${what} (${identifier} ${identity}) than the ${decisive.trust} evidence; it does not count.`,
    );
    return false;
  });
}

import { canonicalJson, digestOf, sha256Hex } from "../digest.ts";
import type { TrustedBundle } from "./bundle.ts";

/**
 * Identifies the query plans of a request's evidence: `sha256:` + SHA-256 of the canonical JSON array of the plans' own digests,
 * sorted, each once. A plan is what was captured, where, when, how and with which settings, so a plan that is captured again or
 * added is another set. Order, bundles that have no plans, signatures and trust make no difference.
 */
export function plansDigest(bundles: readonly Pick<TrustedBundle, "bundle">[]): string {
  const plans = bundles.flatMap(({ bundle }) =>
    (bundle.plans ?? []).map((plan) =>
      canonicalJson({
        server: (plan.server ?? bundle.server).name,
        role: (plan.server ?? bundle.server).role,
        capturedAt: (plan.capturedAt ?? bundle.capturedAt).toISOString(),
        settings: plan.settings ?? bundle.server.settings ?? {},
        phase: plan.phase,
        method: plan.method,
        queryId: plan.queryId ?? null,
        query: plan.query,
        parameters: plan.parameters ?? null,
        migrationsDigest: plan.migrationsDigest ?? null,
        plan: plan.plan,
      }),
    ),
  );
  return digestOf([...new Set(plans.map((plan) => sha256Hex(plan)))].sort());
}

import { z } from "zod";
import { sectionsOf, type TrustedBundle, trustLevels } from "../../core/evidence/bundle.ts";

export const bundleSummarySchema = z.strictObject({
  bundles: z.array(
    z.strictObject({
      server: z.string(),
      role: z.enum(["primary", "replica"]),
      capturedAt: z.iso.datetime(),
      digest: z.string(),
      trust: z.enum(trustLevels),
      sections: z.array(z.string()),
    }),
  ),
});

type Summary = z.infer<typeof bundleSummarySchema>["bundles"][number];

export function summarize({ bundle, digest, trust }: TrustedBundle): Summary {
  const { server, capturedAt } = bundle;
  return {
    server: server.name,
    role: server.role,
    capturedAt: capturedAt.toISOString(),
    digest,
    trust,
    sections: sectionsOf(bundle),
  };
}

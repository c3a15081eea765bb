import { z } from "zod";
import { digestOf, sha256Hex } from "./digest.ts";
import { InputError, inputIssues } from "./errors.ts";
import { bundleDigest, evidenceBundleSchema, type TrustedBundle } from "./evidence/bundle.ts";
import { displayableName, duration, instant } from "./values.ts";

export const migrationFormats = ["plain", "dbmate", "goose", "golang-migrate", "flyway", "sqitch"] as const;
export type MigrationFormat = (typeof migrationFormats)[number];

const name = displayableName.min(1).max(200);

export const migrationSchema = z.strictObject({ path: z.string().min(1).max(1024), sql: z.string() });
export type Migration = z.infer<typeof migrationSchema>;

/** A human's statement about a request: a signed token, or (where the caller may vouch) a plain one. */
export const approvalSchema = z.union([
  z.string().min(1),
  z.strictObject({ by: name, of: z.literal("query-plans"), at: instant.optional() }),
]);

const longestDeployMs = 30 * 24 * 3_600_000;

/** What a pipeline wants to do. Unknown keys are errors. */
export const deployRequestSchema = z.strictObject({
  service: name,
  environment: name,
  action: z.enum(["deploy", "rollback"]).default("deploy"),
  commit: name.nullish(),
  database: name.nullish(),
  images: z.array(z.string().min(1)).max(200).nullish(),
  requestedBy: name.nullish(),
  description: z.string().nullish(),
  commits: z
    .array(z.strictObject({ sha: z.string().nullish(), message: z.string() }))
    .max(1000)
    .nullish(),
  aiAssisted: z.boolean().nullish(),
  expectedDuration: duration.refine((ms) => ms <= longestDeployMs, "a deploy takes 30 days (30d) at most").nullish(),
  pipeline: z
    .strictObject({ system: z.string().nullish(), runId: z.string().nullish(), url: z.string().nullish() })
    .nullish(),
  migrationFormat: z.enum(migrationFormats).nullish(),
  migrations: z.array(migrationSchema).max(1000).nullish(),
  evidence: z.array(evidenceBundleSchema).max(100).nullish(),
  approvals: z.array(approvalSchema).max(100).nullish(),
  overrides: z.array(z.string().min(1)).max(100).nullish(),
});
export type DeployRequest = z.infer<typeof deployRequestSchema>;

/**
 * Identifies what would be deployed. Evidence, approvals and overrides are not part of it, so a rejected request can be
 * sent again with them. Order is kept; an absent field is null.
 */
export function requestDigest(request: DeployRequest): string {
  return digestOf({
    action: request.action,
    service: request.service,
    environment: request.environment,
    commit: request.commit ?? null,
    images: request.images ?? null,
    database: request.database ?? null,
    migrations: request.migrations?.map(({ path, sql }) => ({ path, sha256: sha256Hex(sql) })) ?? null,
  });
}

/** What an *after* plan must have been made with: the digest of the migrations' hex SHA-256s, in order. */
export function migrationsDigest(request: Pick<DeployRequest, "migrations">): string {
  return digestOf((request.migrations ?? []).map(({ sql }) => sha256Hex(sql)));
}

/** A request with its evidence as the rules take it: parsed, digested as received, `asserted`. */
export interface ParsedRequest {
  request: DeployRequest;
  bundles: readonly TrustedBundle[];
  /** The JSON of the same bundles as received, which is what signatures are over. */
  rawBundles: readonly unknown[];
}

/** JSON value → request. Throws InputError (`bad-request`) that names every wrong place. */
export function parseDeployRequest(raw: unknown): ParsedRequest {
  const parsed = deployRequestSchema.safeParse(raw);
  if (!parsed.success)
    throw new InputError("bad-request", "The deploy request is not valid", inputIssues(parsed.error.issues));
  const request = parsed.data;
  // The schema above accepted `raw`, so its `evidence`, where present, is an array of the same length.
  const rawBundles = (raw as { evidence?: unknown[] | null }).evidence ?? [];
  const bundles = (request.evidence ?? []).map((bundle, index) => ({
    bundle,
    trust: "asserted" as const,
    digest: bundleDigest(rawBundles[index]),
  }));
  return { request, bundles, rawBundles };
}

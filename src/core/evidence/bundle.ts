import { z } from "zod";
import { catalogSchema } from "../catalog/catalog.ts";
import { canonicalJson, sha256Hex } from "../digest.ts";
import { InputError, inputIssues } from "../errors.ts";
import { count, displayableName, instant } from "../values.ts";
import { statisticsSchema } from "./statistics.ts";

/** What stands in for an unknown number in counters printed as text is absent, not 0. */
const settings = z.record(z.string(), z.string());

export const planServerSchema = z.strictObject({
  name: displayableName.min(1),
  role: z.enum(["primary", "replica"]),
  systemIdentifier: z.string().nullish(),
});

export const serverSchema = planServerSchema.extend({
  database: z.string().nullish(),
  address: z.string().nullish(),
  port: z.number().int().nullish(),
  startedAt: instant.nullish(),
  serverVersion: z.string().nullish(),
  settings: settings.nullish(),
  /** Streaming standbys that a primary reports (pg_stat_replication). */
  standbys: count.nullish(),
  /** The same, one by one. */
  standbyNodes: z
    .array(z.strictObject({ applicationName: z.string().nullish(), address: z.string().nullish() }))
    .nullish(),
  /** Of the database: what "LIKE 'a%'" and the order of text depend on. `provider`: libc, icu or builtin. */
  locale: z
    .strictObject({
      provider: z.string(),
      collate: z.string().nullish(),
      ctype: z.string().nullish(),
      locale: z.string().nullish(),
      encoding: z.string().nullish(),
    })
    .nullish(),
});

export const indexUsageRowSchema = z.strictObject({
  schema: z.string().min(1),
  table: z.string().min(1),
  index: z.string().min(1),
  oid: z.number().int().nullish(),
  /** pg_stat_user_indexes.idx_scan */
  scans: count,
  tuplesRead: count.nullish(),
  tuplesFetched: count.nullish(),
  lastScan: instant.nullish(),
  sizeBytes: count.nullish(),
  /** When a gate first saw this index (by name and definition); null: not known. */
  firstSeen: instant.nullish(),
});

export const statementRowSchema = z.strictObject({
  queryId: z.string().nullish(),
  query: z.string().min(1),
  calls: z.number().nonnegative().nullish(),
  totalMs: z.number().nonnegative().nullish(),
  meanMs: z.number().nonnegative().nullish(),
});

export const planMethods = ["explain", "explain-analyze", "clone", "hypopg", "simulated"] as const;

export const planEvidenceSchema = z.strictObject({
  queryId: z.string().nullish(),
  query: z.string().min(1),
  phase: z.enum(["before", "after"]),
  method: z.enum(planMethods),
  parameters: z.array(z.unknown()).nullish(),
  server: planServerSchema.nullish(),
  capturedAt: instant.nullish(),
  settings: settings.nullish(),
  migrationsDigest: z.string().nullish(),
  /** EXPLAIN text, or FORMAT JSON as text or as JSON. */
  plan: z.union([z.string().min(1), z.array(z.unknown()), z.record(z.string(), z.unknown())]),
  /** For the reader: where a plan that was not captured comes from. */
  note: z.string().nullish(),
});

export const planMissingSchema = z.strictObject({
  query: z.string().min(1),
  phase: z.enum(["before", "after"]).nullish(),
  reason: z.string().min(1),
});

/** Facts read from one database server at one moment. Sections are optional; unknown keys are errors. */
export const evidenceBundleSchema = z.strictObject({
  version: z.literal(1),
  capturedAt: instant,
  server: serverSchema,
  indexUsage: z.strictObject({ windowStart: instant.nullish(), rows: z.array(indexUsageRowSchema) }).nullish(),
  catalog: catalogSchema.nullish(),
  statistics: statisticsSchema.nullish(),
  statements: z
    .strictObject({
      complete: z.boolean(),
      /** Since when the statements were counted (pg_stat_statements_info.stats_reset); null: not known. */
      windowStart: instant.nullish(),
      rows: z.array(statementRowSchema),
    })
    .nullish(),
  plans: z.array(planEvidenceSchema).nullish(),
  /** Affected queries of which a plan could not be had, and why. `phase` null: neither was asked for. */
  plansMissing: z.array(planMissingSchema).nullish(),
  /** For the reader: what the collector could not read, and why. */
  notes: z.array(z.string()).nullish(),
  signature: z.string().nullish(),
});

export const evidenceFileSchema = z.union([evidenceBundleSchema, z.array(evidenceBundleSchema)]);

export type EvidenceBundle = z.infer<typeof evidenceBundleSchema>;
export type EvidenceBundleInput = z.input<typeof evidenceBundleSchema>;
export type IndexUsageRow = z.infer<typeof indexUsageRowSchema>;
export type PlanEvidence = z.infer<typeof planEvidenceSchema>;
export type ServerRole = "primary" | "replica";

const sectionNames = ["indexUsage", "catalog", "statistics", "statements", "plans"] as const;

/** The optional sections that a bundle has. */
export function sectionsOf(bundle: EvidenceBundle): string[] {
  return sectionNames.filter((section) => (bundle[section] ?? null) !== null);
}

/** How a bundle reached the gate, lowest first. */
export const trustLevels = ["asserted", "signed", "pulled"] as const;
export type Trust = (typeof trustLevels)[number];

/** A bundle as a decision uses it. `digest` is over the bundle's JSON as received, without its signature. */
export interface TrustedBundle {
  bundle: EvidenceBundle;
  trust: Trust;
  digest: string;
  /** Where a signature was verified: the fingerprint of its key, "sha256:…". */
  signedBy?: string;
}

/** What a bundle's signature signs: the RFC 8785 canonical JSON of the bundle as received, without `signature`. */
export function signedContent(raw: unknown): string {
  if (typeof raw !== "object" || raw === null) throw new TypeError("an evidence bundle is a JSON object");
  return canonicalJson(Object.fromEntries(Object.entries(raw).filter(([key]) => key !== "signature")));
}

/** `sha256:` + SHA-256 of the signed content. */
export function bundleDigest(raw: unknown): string {
  return `sha256:${sha256Hex(signedContent(raw))}`;
}

/** JSON value of an evidence file (one bundle or an array) → bundles. Throws InputError (`bad-evidence`). */
export function parseEvidence(raw: unknown, subject: string, trust: Trust): TrustedBundle[] {
  const parsed = evidenceFileSchema.safeParse(raw);
  if (!parsed.success) throw new InputError("bad-evidence", subject, inputIssues(parsed.error.issues));
  const rawBundles: unknown[] = Array.isArray(raw) ? raw : [raw];
  const bundles = Array.isArray(parsed.data) ? parsed.data : [parsed.data];
  return bundles.map((bundle, index) => ({ bundle, trust, digest: bundleDigest(rawBundles[index]) }));
}

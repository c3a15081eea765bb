import { z } from "zod";
import { trustLevels } from "./evidence/bundle.ts";
import { enforcements } from "./policy/policy.ts";
import { outcomes } from "./rules/rule.ts";

const timestamp = z.iso.datetime();

export const findingSchema = z.strictObject({
  /** Policy id; null for a finding of the gate itself (`unmatched`, unusable evidence). */
  policy: z.string().nullable(),
  ruleId: z.string(),
  outcome: z.enum(outcomes),
  enforcement: z.enum(enforcements),
  subject: z.string(),
  message: z.string(),
  help: z.string().nullable(),
  location: z
    .strictObject({ path: z.string(), line: z.number().int(), column: z.number().int().optional() })
    .nullable(),
  waivedBy: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
});

export const windowStateSchema = z.strictObject({
  open: z.boolean(),
  since: timestamp.nullable(),
  nextOpen: timestamp.nullable(),
  nextClose: timestamp.nullable(),
  duration: z.string(),
  fits: z.boolean(),
  latestStart: timestamp.nullable(),
  nextFit: timestamp.nullable(),
  because: z.array(
    z.strictObject({
      policy: z.string(),
      kind: z.enum(["window", "freeze"]),
      interval: z.strictObject({ start: timestamp, end: timestamp }).nullable(),
      reason: z.string().nullable(),
      text: z.string(),
    }),
  ),
  neverOpensReason: z.string().nullable(),
  /** IANA zone for showing the instants to people: the first matching policy's; null: UTC. */
  timeZone: z.string().nullable(),
});

/** The gate's answer to a deploy request. */
export const decisionSchema = z.strictObject({
  id: z.string(),
  decision: z.enum(["approved", "rejected"]),
  allowed: z.boolean(),
  service: z.string(),
  environment: z.string(),
  commit: z.string().nullable(),
  requestedBy: z.string().nullable(),
  requestDigest: z.string(),
  policyDigest: z.string(),
  /** Ids of the policies that matched. */
  policies: z.array(z.string()),
  timeZoneDatabase: z.string(),
  evaluatedAt: timestamp,
  notAfter: timestamp.nullable(),
  findings: z.array(findingSchema),
  window: windowStateSchema,
  evidence: z.array(
    z.strictObject({ server: z.string(), digest: z.string(), trust: z.enum(trustLevels), capturedAt: timestamp }),
  ),
  /** Of the query plans in that evidence: what a signed approval names. Absent in decisions of earlier versions. */
  plansDigest: z.string().optional(),
  /** What the decision would be without the override tokens that came with the request. Absent: none came. */
  withoutOverrides: z.enum(["approved", "rejected"]).optional(),
  /** The override tokens that hold for this request. Absent: no token came with it. */
  overrides: z
    .array(
      z.strictObject({
        jti: z.string(),
        /** The human who signed. */
        by: z.string(),
        kid: z.string(),
        rules: z.array(z.string()),
        reason: z.string(),
        ticket: z.string().nullable(),
        issuedAt: timestamp,
        expiresAt: timestamp,
        /** The approval came about by it, so it cannot be used again. */
        consumed: z.boolean(),
      }),
    )
    .optional(),
  pass: z.string().nullable(),
  warnings: z.array(z.string()),
});

export type Finding = z.infer<typeof findingSchema>;
export type WindowState = z.infer<typeof windowStateSchema>;
export type Decision = z.infer<typeof decisionSchema>;

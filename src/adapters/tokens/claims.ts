import { z } from "zod";
import { displayableName, numericDate } from "../../core/values.ts";
import { keyId, signatureAlgorithms } from "../evidence-signature/keys.ts";
import { tokenId } from "./approvers.ts";

export const overrideType = "plangate-override+jwt";
export const approvalType = "plangate-approval+jwt";

/** Strict: no `crit`, and no key that the token brings along or points to (`jwk`, `jku`, `x5c`, `x5u`). */
const headerSchema = (typ: string) =>
  z.strictObject({ alg: z.enum(signatureAlgorithms), kid: keyId, typ: z.literal(typ) });

const text = displayableName.refine((value) => value.trim() !== "", { error: "must not be empty" });
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
/** A rule id: nothing in it that could be taken for a pattern. */
const ruleId = z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);

const common = {
  iss: z.string().min(1).max(500),
  sub: z.string().min(1).max(200),
  /** One gate. An array would make the token good for several, each with a memory of its own. */
  aud: z.string().min(1).max(200),
  iat: numericDate,
  nbf: numericDate,
  exp: numericDate,
  jti: tokenId,
  req: digest,
  env: z.string().min(1).max(200),
};

const overrideClaimsSchema = z.strictObject({
  ...common,
  rules: z.array(ruleId).min(1).max(100),
  reason: text.max(2_000),
  ticket: text.max(500).optional(),
});

const approvalClaimsSchema = z.strictObject({
  ...common,
  of: z.literal("query-plans"),
  plans: digest,
  reason: text.max(2_000).optional(),
  ticket: text.max(500).optional(),
});

export type OverrideClaims = z.output<typeof overrideClaimsSchema>;
export type ApprovalClaims = z.output<typeof approvalClaimsSchema>;
export type TokenHeader = z.output<ReturnType<typeof headerSchema>>;

export const tokenForms = {
  override: { typ: overrideType, header: headerSchema(overrideType), claims: overrideClaimsSchema },
  approval: { typ: approvalType, header: headerSchema(approvalType), claims: approvalClaimsSchema },
};
export type TokenKind = keyof typeof tokenForms;
export interface ClaimsOf {
  override: OverrideClaims;
  approval: ApprovalClaims;
}

import { z } from "zod";
import { displayableName, numericDate } from "../../core/values.ts";
import { tokenId } from "./approvers.ts";
import { type TokenForm, tokenForm } from "./token-form.ts";

export const overrideType = "plangate-override+jwt";
export const approvalType = "plangate-approval+jwt";

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

const wording: [string, string][] = [
  ["jti", "must be a text that is used once, of letters, digits and . _ : -"],
  ["req", 'must be a request digest: "sha256:" and 64 hex digits'],
  ["plans", 'must be the digest of the query plans: "sha256:" and 64 hex digits'],
  ["aud", "must be the name of one gate"],
  ["rules", "must be a list of at least one rule id, each written out, without wildcards"],
  ["reason", "must say why, in text that is not empty"],
  ["of", "must be query-plans"],
];

/** What people sign. */
export interface ClaimsOf {
  override: OverrideClaims;
  approval: ApprovalClaims;
}
export type TokenKind = keyof ClaimsOf;

export const tokenForms: { readonly [Kind in TokenKind]: TokenForm<ClaimsOf[Kind]> } = {
  override: tokenForm(overrideType, overrideClaimsSchema, { wording }),
  approval: tokenForm(approvalType, approvalClaimsSchema, { wording }),
};

import { personKey } from "../../core/person.ts";
import { globMatches } from "../../core/policy/match.ts";
import { formatDuration } from "../../core/values.ts";
import type { KeyOf } from "./approver-keys.ts";
import type { Approver, ApproverKey, Approvers } from "./approvers.ts";
import { type ClaimsOf, type TokenKind, tokenForms } from "./claims.ts";
import { parseToken } from "./parse-token.ts";
import { signatureHolds } from "./signature.ts";
import { timeProblem } from "./token-times.ts";

export interface VerifiedToken<Kind extends TokenKind> {
  approver: Approver;
  claims: ClaimsOf[Kind];
}

/** What a token is used for. */
export interface TokenUse {
  requestDigest: string;
  environment: string;
  /** null: the request does not say. */
  requestedBy: string | null;
}

/**
 * Signature, form, times and the signer's rights. Whether it is for the request at hand is `useProblem`'s question. A string: why it
 * does not count, as a clause.
 */
export function verifyToken<Kind extends TokenKind>(
  token: string,
  kind: Kind,
  approvers: Approvers,
  keyOf: KeyOf,
  at: Date,
): VerifiedToken<Kind> | string {
  const parsed = parseToken(token, tokenForms[kind]);
  if (typeof parsed === "string") return parsed;
  const { header, claims } = parsed;
  if (approvers.byKid.size === 0) return "the gate's configuration has no approvers";
  const approver = approvers.byKid.get(header.kid);
  if (approver === undefined) return `its key ${header.kid} is not among the configured approvers`;
  if (header.alg !== approver.algorithm) {
    return `it is signed with ${header.alg}, and the key ${approver.kid} is for ${approver.algorithm}`;
  }
  const key = keyOf(approver);
  if (typeof key === "string") return key;
  const problem =
    signerProblem(token, claims, approver, key, approvers.audience) ??
    timeProblem(claims, at) ??
    lifeProblem(claims, approvers.maxTtlMs[kind]) ??
    revocationProblem(claims.jti, approver, approvers);
  return problem ?? { approver, claims };
}

function signerProblem(
  token: string,
  { aud, iss, sub }: ClaimsOf[TokenKind],
  { algorithm, kid, issuer, subject }: Approver,
  { publicKey }: ApproverKey,
  audience: string,
): string | null {
  if (!signatureHolds(token, publicKey, algorithm)) return `its signature is not that of the key ${kid}`;
  if (aud !== audience) return `it is for another gate ("aud"); this one is ${audience}`;
  if (iss !== issuer) return `its "iss" must be ${issuer}`;
  if (sub !== subject) return `its "sub" must be ${subject}, whose key ${kid} is`;
  return null;
}

/** `nbf` must not hide a longer life: the time since the signature is what counts. */
function lifeProblem({ iat, exp }: { iat: number; exp: number }, maxTtlMs: number): string | null {
  return (exp - iat) * 1000 > maxTtlMs ? `it lives longer than the ${formatDuration(maxTtlMs)} that are allowed` : null;
}

function revocationProblem(jti: string, { kid, subject }: Approver, { revoked }: Approvers): string | null {
  if (revoked.jtis.has(jti)) return "it has been revoked";
  if (revoked.kids.has(kid)) return `its key ${kid} has been revoked`;
  if (revoked.subjects.has(personKey(subject))) return `${subject}'s tokens have been revoked`;
  return null;
}

/** Why the signer's word does not do for these rules, whatever the request; a clause. */
export function overrideProblem(
  { approver, claims }: VerifiedToken<"override">,
  knownRules: ReadonlySet<string>,
): string | null {
  if (claims.rules.includes("unmatched")) return "unmatched cannot be waived: no policy allows the request";
  const unknown = claims.rules.find((rule) => !knownRules.has(rule));
  if (unknown !== undefined) return `there is no rule ${unknown}`;
  const denied = claims.rules.filter((rule) => !approver.mayWaive.has(rule));
  if (denied.length > 0) return `${approver.subject} may not waive ${denied.join(", ")}`;
  return environmentProblem(approver, claims.env);
}

/** The same of an approval of query plans. */
export function approvalProblem({ approver, claims }: VerifiedToken<"approval">): string | null {
  if (!approver.mayApprove) return `${approver.subject} may not approve`;
  return environmentProblem(approver, claims.env);
}

/** Were the plans that the approval names those of the request? */
export function plansProblem({ approver, claims }: VerifiedToken<"approval">, plansDigest: string): string | null {
  if (claims.plans === plansDigest) return null;
  return `the query plans are not those that ${approver.subject} looked at (${claims.plans}); they are ${plansDigest} now`;
}

/** Why the token is not for this request; a clause. */
export function useProblem(
  { approver, claims: { req, env } }: VerifiedToken<TokenKind>,
  { requestDigest, environment, requestedBy }: TokenUse,
): string | null {
  const { subject, aliases } = approver;
  if (req !== requestDigest) return `it is for another request (${req})`;
  if (env !== environment) return "it is for another environment";
  if (requestedBy === null || personKey(requestedBy) === "") {
    return `the request does not say who asks (requestedBy), and it must not be ${subject}`;
  }
  if ([subject, ...aliases].some((name) => personKey(name) === personKey(requestedBy))) {
    return `${subject} has asked for the deploy, and nobody signs for their own request`;
  }
  return null;
}

function environmentProblem({ subject, environments }: Approver, environment: string): string | null {
  if (environments === null || environments.some((glob) => globMatches(glob, environment))) return null;
  return `${subject} may not sign for ${environment}, only for ${environments.join(", ")}`;
}

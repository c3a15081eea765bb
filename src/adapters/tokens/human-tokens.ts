import type { HumanTokens } from "../../app/ports.ts";
import { personKey } from "../../core/person.ts";
import { rules } from "../../core/rules/index.ts";
import { fixedKeys, type KeyOf } from "./approver-keys.ts";
import type { Approvers } from "./approvers.ts";
import { approvalProblem, overrideProblem, plansProblem, useProblem, verifyToken } from "./verify-token.ts";

export const ruleIds: ReadonlySet<string> = new Set(rules.keys());

/** Approval and override tokens, checked against the configured approvers. */
export function humanTokens(approvers: Approvers, keyOf: KeyOf = fixedKeys): HumanTokens {
  let names: ReadonlyMap<string, string> | null = null;
  return {
    quorum: approvers.quorum,
    personOf(name) {
      names ??= subjectsByName(approvers);
      return names.get(personKey(name)) ?? name;
    },
    verifyOverride(token, context) {
      const verified = verifyToken(token, "override", approvers, keyOf, context.at);
      if (typeof verified === "string") return { override: null, problem: verified };
      const problem = useProblem(verified, context) ?? overrideProblem(verified, ruleIds);
      if (problem !== null) return { override: null, problem };
      const { claims, approver } = verified;
      return {
        problem: null,
        override: {
          jti: claims.jti,
          by: approver.subject,
          kid: approver.kid,
          rules: claims.rules,
          reason: claims.reason,
          ticket: claims.ticket ?? null,
          issuedAt: instantOf(claims.iat),
          expiresAt: instantOf(claims.exp),
        },
      };
    },
    verifyApproval(token, context) {
      const verified = verifyToken(token, "approval", approvers, keyOf, context.at);
      if (typeof verified === "string") return { approval: null, problem: verified };
      const problem =
        useProblem(verified, context) ?? approvalProblem(verified) ?? plansProblem(verified, context.plansDigest);
      if (problem !== null) return { approval: null, problem };
      const { claims, approver } = verified;
      return {
        problem: null,
        approval: { by: approver.subject, of: claims.of, at: instantOf(claims.iat), verified: true },
      };
    },
  };
}

function subjectsByName({ byKid }: Approvers): Map<string, string> {
  const names = new Map<string, string>();
  for (const { subject, aliases } of byKid.values()) {
    for (const name of [subject, ...aliases]) names.set(personKey(name), subject);
  }
  return names;
}

/** Who is who stays known, and no token counts. `problem`: why, as a clause. */
export function refusedTokens(tokens: HumanTokens, problem: string): HumanTokens {
  return {
    ...tokens,
    verifyOverride: () => ({ override: null, problem }),
    verifyApproval: () => ({ approval: null, problem }),
  };
}

function instantOf(seconds: number): Date {
  return new Date(seconds * 1000);
}

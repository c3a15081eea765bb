import type { Approval } from "./approvals.ts";
import type { Decision } from "./decision.ts";
import type { TrustedBundle } from "./evidence/bundle.ts";
import type { PolicySet } from "./policy/policy.ts";
import type { DeployRequest } from "./request.ts";

/** Everything that a decision depends on. The decision is a pure function of it. */
export interface DecisionInput {
  id: string;
  policySet: PolicySet;
  request: DeployRequest;
  bundles: readonly TrustedBundle[];
  approvals: readonly Approval[];
  /** `action: rollback` to a commit that the gate approved before. */
  rollbackToApproved: boolean;
  /** What happens to requests without schema changes that no policy matches. */
  unmatched: "reject" | "approve";
  /** The longest time that an approval may wait to be used. */
  leaseMs: number;
  timeZoneDatabase: string;
  /** Things to tell the caller beside the findings. */
  warnings: readonly string[];
  at: Date;
}

export function decide(input: DecisionInput): Decision {
  throw new Error(`the engine of decision ${input.id} is being written`);
}

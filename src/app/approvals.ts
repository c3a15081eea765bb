import type { Approval } from "../core/approvals.ts";
import type { DeployRequest } from "../core/request.ts";

export interface Caller {
  name: string;
  /** Do unsigned approvals count that this caller passes on? */
  mayVouch: boolean;
}

/** The request's approvals that count, and what to tell the caller about all of them. */
export function countableApprovals(
  request: DeployRequest,
  caller: Caller,
): { approvals: Approval[]; warnings: string[] } {
  const given = request.approvals ?? [];
  const unsigned = given.filter((approval) => typeof approval !== "string");
  const warnings: string[] = [];
  if (unsigned.length < given.length) {
    warnings.push("Signed approvals do not count: this version of the gate cannot check them.");
  }
  if ((request.overrides ?? []).length > 0) {
    warnings.push("Overrides do not count: this version of the gate cannot check them.");
  }
  if (unsigned.length > 0) {
    warnings.push(
      caller.mayVouch
        ? "The approvals are not signed: nothing but the caller's word says who gave them."
        : `Unsigned approvals do not count: the caller ${caller.name} may not vouch for them.`,
    );
  }
  const counted = caller.mayVouch ? unsigned : [];
  return { approvals: counted.map(({ by, of, at }) => ({ by, of, at: at ?? null, verified: false })), warnings };
}

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadPolicyDirectory } from "../../src/adapters/policies/read-directory.ts";
import type { Approval } from "../../src/core/approvals.ts";
import { decide } from "../../src/core/decide.ts";
import type { Decision } from "../../src/core/decision.ts";
import { parseEvidence } from "../../src/core/evidence/bundle.ts";
import type { PolicySet } from "../../src/core/policy/policy.ts";
import { parseDeployRequest } from "../../src/core/request.ts";

export const shippedPolicies = () => loadPolicyDirectory(join(__dirname, "../../policies"));

export interface Asked {
  policySet: PolicySet;
  /** A deploy request as JSON. Its unsigned approvals count. */
  request: object;
  /** Evidence as JSON: a bundle or an array of them. */
  evidence?: unknown;
  at: string;
  unmatched?: "reject" | "approve";
}

/** One decision of the real engine, as `plangate check` makes it. */
export function decideAsked({ policySet, request: raw, evidence, at, unmatched = "reject" }: Asked): Decision {
  const { request, bundles } = parseDeployRequest(raw);
  const approvals: Approval[] = (request.approvals ?? []).flatMap((approval) =>
    typeof approval === "string"
      ? []
      : [{ by: approval.by, of: approval.of, at: approval.at ?? null, verified: false }],
  );
  return decide({
    id: "dec_test",
    policySet,
    request,
    bundles: [...bundles, ...(evidence === undefined ? [] : parseEvidence(evidence, "evidence", "asserted"))],
    approvals,
    rollbackToApproved: false,
    unmatched,
    leaseMs: 3_600_000,
    timeZoneDatabase: "test",
    warnings: [],
    at: new Date(at),
  });
}

export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}

export function readJsonIfThere(file: string): unknown {
  return existsSync(file) ? readJson(file) : undefined;
}

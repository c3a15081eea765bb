import { judgeRequest } from "../../src/core/decide.ts";
import { type PassClaims, passClaimsOf } from "../../src/core/pass.ts";
import { parseDeployRequest } from "../../src/core/request.ts";
import { monday } from "../tokens/forge.ts";

/** What a pass says of a deploy that was approved on `monday`, because no policy applies and the configuration lets such through. */
export function sampleClaims(gate: string): PassClaims {
  const { request } = parseDeployRequest({ service: "orders", environment: "production", commit: "9f1c2e7" });
  const judgement = judgeRequest({
    id: "dec_1",
    policySet: { policies: [], digest: `sha256:${"0".repeat(64)}`, warnings: [] },
    request,
    bundles: [],
    approvals: [],
    rollbackToApproved: false,
    unmatched: "approve",
    leaseMs: 3_600_000,
    timeZoneDatabase: "test",
    warnings: [],
    at: monday,
  });
  const claims = passClaimsOf(gate, request, judgement);
  if (claims === null) throw new Error("the deploy was rejected");
  return claims;
}

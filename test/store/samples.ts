import type { DecisionRecord } from "../../src/app/ports.ts";
import type { Decision } from "../../src/core/decision.ts";

export const noon = new Date("2026-03-11T12:00:00.000Z");

export function clockAt(at: Date) {
  return { now: () => at };
}

let counter = 0;

export function sampleRecord(
  overrides: Partial<Decision> = {},
  action: "deploy" | "rollback" = "deploy",
): DecisionRecord {
  counter += 1;
  const decision: Decision = {
    id: `dec_sample${counter}`,
    decision: "approved",
    allowed: true,
    service: "orders",
    environment: "production",
    commit: "9f1c2e7",
    requestedBy: "dev@example.com",
    requestDigest: `sha256:${"a".repeat(64)}`,
    policyDigest: `sha256:${"b".repeat(64)}`,
    policies: ["schema-changes"],
    timeZoneDatabase: "2026a",
    evaluatedAt: noon.toISOString(),
    notAfter: null,
    findings: [],
    window: {
      open: true,
      since: null,
      nextOpen: null,
      nextClose: null,
      duration: "0s",
      fits: true,
      latestStart: null,
      nextFit: null,
      because: [],
      neverOpensReason: null,
      timeZone: null,
    },
    evidence: [],
    pass: null,
    warnings: [],
    ...overrides,
  };
  const { service, environment, commit } = decision;
  return { decision, caller: "local", request: { service, environment, commit, action } };
}

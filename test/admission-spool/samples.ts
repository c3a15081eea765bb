import type { AdmissionRecord } from "../../src/app/ports.ts";

let counter = 0;

/** A Job that was let through by its pass. */
export function sampleAdmission(overrides: Partial<AdmissionRecord> = {}): AdmissionRecord {
  counter += 1;
  return {
    id: `adm_sample${counter}`,
    uid: `705ab4f5-6393-11e8-b7cc-${String(counter).padStart(12, "0")}`,
    at: "2026-03-11T12:00:00.000Z",
    environment: "production",
    namespace: "orders",
    kind: "Job",
    name: "orders-migrate",
    operation: "CREATE",
    user: "system:serviceaccount:ci:deployer",
    service: "orders",
    commit: "9f1c2e7",
    images: [`registry.example/orders@sha256:${"c".repeat(64)}`],
    allowed: true,
    enforcement: "deny",
    basis: "pass",
    problems: [],
    decisionId: "dec_sample",
    policyDigest: `sha256:${"b".repeat(64)}`,
    templateDigest: `sha256:${"d".repeat(64)}`,
    ...overrides,
  };
}

export function sampleAdmissions(count: number): AdmissionRecord[] {
  return Array.from({ length: count }, () => sampleAdmission());
}

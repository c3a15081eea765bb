import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { loadConfig } from "../../src/adapters/config/config.ts";
import { passForm } from "../../src/adapters/passes/pass-form.ts";
import { passIssuer, passVerifier } from "../../src/adapters/passes/passes.ts";
import { loadPolicyDirectory } from "../../src/adapters/policies/read-directory.ts";
import { tokenForms } from "../../src/adapters/tokens/claims.ts";
import { signToken } from "../../src/adapters/tokens/sign-token.ts";
import { type AdmissionPorts, type Admitted, admit } from "../../src/app/admit.ts";
import type { AdmissionRecord } from "../../src/app/ports.ts";
import { PlangateError } from "../../src/core/errors.ts";
import type { PassClaims } from "../../src/core/pass.ts";
import type { PolicySet } from "../../src/core/policy/policy.ts";
import { forge } from "../tokens/forge.ts";

export const gateName = "orders-gate";

const pair = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const keys = { gate: pair(), before: pair(), stranger: pair() };
const verifier = passVerifier(gateName, [
  { kid: "gate-2026", algorithm: "ES256", publicKey: keys.gate.publicKey },
  { kid: "gate-2025", algorithm: "ES256", publicKey: keys.before.publicKey },
]);

/** How a pass differs from the usual one: claims, and these. */
export interface PassWish {
  signedBy?: keyof typeof keys;
  kid?: string;
  /** `override`: the gate's key has signed what humans sign. */
  token?: "pass" | "override";
  /** ISO instants: `iat` with `nbf`, and `exp`. */
  from?: string;
  until?: string;
  [claim: string]: unknown;
}

const seconds = (instant: string) => new Date(instant).getTime() / 1000;

/** A schema change of orders in production, approved on a Wednesday at 11:30 until 12:30. */
export function signedPass(wish: PassWish = {}): string {
  const { signedBy = "gate", kid = "gate-2026", token = "pass", from, until, ...claims } = wish;
  const start = seconds(from ?? "2026-03-11T11:30:00Z");
  const times = { iat: start, nbf: start, exp: seconds(until ?? "2026-03-11T12:30:00Z") };
  const key = { ...keys[signedBy], kid, algorithm: "ES256" as const };
  if (token === "override") {
    const override = { iss: "dba@example.com", sub: "dba@example.com", aud: gateName, jti: "ovr-1", env: "production" };
    const req = `sha256:${"5".repeat(64)}`;
    return signToken(
      tokenForms.override,
      { ...override, ...times, req, rules: ["change-window"], reason: "It is urgent" },
      key,
    );
  }
  const usual: PassClaims = {
    iss: gateName,
    aud: "plangate-admission",
    sub: "orders",
    env: "production",
    commit: "9f1c2e7d4b8a05c3e6f7219a0b4d8c5e1f3a7b60",
    images: [`sha256:${"a1".repeat(32)}`],
    migrations: ["d4".repeat(32)],
    dec: "dec_0195842f7d3e7c4a",
    ...times,
    changes: ["schema"],
    durationMs: 600_000,
    rollback: false,
    waivedFreezes: [],
  };
  const header = { alg: "ES256", typ: passForm.typ, kid };
  return Object.keys(claims).length === 0
    ? passIssuer(gateName, key).issue(usual)
    : forge(header, { ...usual, ...claims }, key);
}

const policySets = new Map<string, Promise<PolicySet>>();

/** A folder of test/admission/policies. */
export function policySet(name: string): Promise<PolicySet> {
  const set = policySets.get(name) ?? loadPolicyDirectory(join(__dirname, "policies", name));
  policySets.set(name, set);
  return set;
}

export interface Asked {
  /** The AdmissionReview. */
  review: unknown;
  environment?: string;
  at?: string;
  policies?: string;
  unmatched?: "reject" | "approve";
  /** `admission` in plangate.yaml. */
  admission?: object;
  /** The policy files have been broken since then. */
  brokenSince?: string | null;
  /** The gate let the same pod template of the same workload in before. */
  admittedBefore?: boolean;
  /** `full`: no verdict can be recorded. `broken`: the gate has a fault. */
  spool?: "ok" | "full" | "broken";
}

export interface Answered extends Omit<Admitted, "record" | "error"> {
  /** What was handed to the spool. */
  recorded: AdmissionRecord[];
}

/** One review by the real engine: policies, configuration and passes are read as the gate reads them. Throws PlangateError `bad-request`. */
export async function ask(asked: Asked): Promise<Answered> {
  const { review, environment = "production", at = "2026-03-11T12:00:00Z", policies = "weekdays" } = asked;
  const { unmatched = "reject", admission = {}, brokenSince = null, admittedBefore = false, spool = "ok" } = asked;
  const set = await policySet(policies);
  const recorded: AdmissionRecord[] = [];
  const ports: AdmissionPorts = {
    clock: { now: () => new Date(at) },
    policies: { current: () => ({ set, staleSince: brokenSince === null ? null : new Date(brokenSince) }) },
    passes: verifier,
    recorder: {
      async record(record) {
        if (spool === "broken") throw new TypeError("spool is not a function");
        if (spool === "full") throw new PlangateError("spool-failed", "The spool is full.");
        recorded.push(record);
      },
    },
    templates: { wasAdmitted: async () => admittedBefore },
  };
  const config = loadConfig(JSON.stringify({ admission }), "plangate.yaml", {});
  const settings = { admission: config.admission, staleAfterMs: config.policies.staleAfterMs, unmatched };
  const { answer, outcome, dryRun } = await admit(ports, settings, environment, review);
  return { answer, outcome, dryRun, recorded };
}

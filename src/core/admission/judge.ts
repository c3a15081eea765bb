import type { Finding } from "../decision.ts";
import { evaluatePolicies } from "../evaluate-policies.ts";
import { blocks } from "../override.ts";
import type { ChangeKind, Enforcement, PolicySet } from "../policy/policy.ts";
import type { DeployRequest } from "../request.ts";
import { formatDuration } from "../values.ts";
import { freezesAgainstPass } from "./freezes.ts";
import { type AdmissionProblem, type CarriedPass, passProblems } from "./pass-agreement.ts";
import { type AdmissionSettings, enforcementOf } from "./settings.ts";
import { serviceLabel, type Workload } from "./workload.ts";
import type { WorkloadKind } from "./workload-kinds.ts";

export interface AdmissionInput {
  environment: string;
  workload: Workload;
  workloadKind: WorkloadKind;
  pass: CarriedPass;
  /** The same pod template of the same workload was let through before, and may come back. */
  admittedBefore: boolean;
  policySet: PolicySet;
  /** The policy files have been broken since then; null: they are good. */
  staleSince: Date | null;
  /** How long the last good policies may stand in for broken ones. */
  staleAfterMs: number;
  unmatched: "reject" | "approve";
  settings: AdmissionSettings;
  at: Date;
}

export interface AdmissionVerdict {
  allowed: boolean;
  enforcement: Enforcement;
  basis: "pass" | "policies" | "rollback";
  /** What stands in the way, also where enforcement lets it through. */
  problems: AdmissionProblem[];
  /** What policies with the enforcement `warn` have found, and passes that do not count. */
  warnings: string[];
  /** What policies with the enforcement `dryrun` have found. */
  notes: string[];
}

/** Judges a workload that is new or runs something new. Pure: the pass's signature was checked before. */
export function judgeWorkload(input: AdmissionInput): AdmissionVerdict {
  const { environment, settings, workloadKind } = input;
  const enforcement = enforcementOf(settings, environment);
  const found = [...unknownEnvironment(input), ...tooStale(input)];
  const own =
    workloadKind.needsPass || (input.pass !== null && !input.admittedBefore) ? byPass(input) : byPolicies(input, []);
  const problems = [...found, ...own.problems];
  return { ...own, problems, enforcement, allowed: problems.length === 0 || enforcement !== "deny" };
}

type Judgement = Omit<AdmissionVerdict, "allowed" | "enforcement">;

function byPass(input: AdmissionInput): Judgement {
  const { workload, pass, environment, settings, workloadKind, at } = input;
  const problems = passProblems(workload, pass, environment, settings.sidecars);
  if (pass === null || pass.claims === null || problems.length > 0) {
    if (workloadKind.needsPass) return { basis: "pass", problems, warnings: staleWarning(input), notes: [] };
    return byPolicies(
      input,
      problems.map(({ message }) => message),
    );
  }
  // A deployment is a deploy beside whatever its pass was for.
  const kinds = new Set<ChangeKind>([...pass.claims.changes, ...(workloadKind.needsPass ? [] : (["deploy"] as const))]);
  const request = requestOf(workload, environment, "deploy", pass.claims.sub);
  const findings = freezesAgainstPass(input.policySet, pass.claims, kinds, request, at);
  const sorted = sortFindings(findings.map(({ enforcement, finding }) => ({ ...finding, enforcement })));
  return { basis: "pass", ...sorted, warnings: [...sorted.warnings, ...staleWarning(input)] };
}

/** `passFaults`: why the pass that it carries does not count. */
function byPolicies(input: AdmissionInput, passFaults: readonly string[]): Judgement {
  const { workload, environment, policySet, unmatched, admittedBefore, at } = input;
  const basis = admittedBefore ? "rollback" : "policies";
  if (workload.service === null) {
    const message = `It does not say which service it is of (label ${serviceLabel}).`;
    const help = `Set the label ${serviceLabel} on the ${workload.kind}.`;
    return { basis, problems: [{ message, help }], warnings: staleWarning(input), notes: [] };
  }
  const { findings } = evaluatePolicies({
    id: "",
    policySet,
    request: requestOf(workload, environment, admittedBefore ? "rollback" : "deploy", workload.service),
    bundles: [],
    approvals: [],
    rollbackToApproved: admittedBefore,
    unmatched,
    leaseMs: 0,
    timeZoneDatabase: "",
    warnings: [],
    at,
  });
  const sorted = sortFindings(findings.filter(({ outcome }) => outcome !== "pass"));
  // Warnings are short: the fault of a pass is one of its own.
  const ignored =
    passFaults.length === 0 ? [] : ["Its pass does not admit it; the policies for deploys decide.", ...passFaults];
  return { basis, ...sorted, warnings: [...sorted.warnings, ...ignored, ...staleWarning(input)] };
}

function requestOf(
  { commit, containers }: Workload,
  environment: string,
  action: DeployRequest["action"],
  service: string,
): DeployRequest {
  return { service, environment, action, commit, images: containers.map(({ image }) => image) };
}

function sortFindings(findings: readonly Pick<Finding, "message" | "help" | "enforcement" | "outcome">[]) {
  const of = (enforcement: Enforcement) =>
    findings.filter((finding) => finding.enforcement === enforcement).map(({ message }) => message);
  return {
    problems: findings
      .filter((finding) => blocks({ ...finding, waivedBy: null }))
      .map(({ message, help }) => ({ message, help })),
    warnings: of("warn"),
    notes: of("dryrun"),
  };
}

function unknownEnvironment({ environment, settings: { environments } }: AdmissionInput): AdmissionProblem[] {
  if (environments === null || environments.has(environment)) return [];
  const known = [...environments.keys()].join(", ");
  return [
    {
      message: `The gate does not know the environment ${JSON.stringify(environment)}, only ${known}.`,
      help: "Correct the path in the webhook's configuration, or add the environment to admission.environments in plangate.yaml.",
    },
  ];
}

function tooStale({ staleSince, staleAfterMs, at }: AdmissionInput): AdmissionProblem[] {
  if (staleSince === null || at.getTime() - staleSince.getTime() < staleAfterMs) return [];
  return [
    {
      message: `The gate's policy files have been broken since ${staleSince.toISOString()}, longer than the ${formatDuration(staleAfterMs)} for which the last good ones may stand in.`,
      help: "Repair the policy files: plangate policy validate names every error.",
    },
  ];
}

function staleWarning(input: AdmissionInput): string[] {
  const { staleSince } = input;
  return staleSince === null || tooStale(input).length > 0
    ? []
    : [`The gate's policy files have been broken since ${staleSince.toISOString()}; the last good ones decide.`];
}

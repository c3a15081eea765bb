import type { Enforcement } from "../policy/policy.ts";
import type { AdmissionVerdict } from "./judge.ts";
import { type AdmissionRequest, reviewVersion } from "./review.ts";
import type { Workload } from "./workload.ts";

/** AdmissionReview v1, as the API server wants its answer. */
export interface ReviewAnswer {
  apiVersion: typeof reviewVersion;
  kind: "AdmissionReview";
  response: {
    uid: string;
    allowed: boolean;
    status?: { code: 403; reason: "Forbidden"; message: string };
    warnings?: string[];
    auditAnnotations?: Record<string, string>;
  };
}

/** Longer ones, and those beyond 4096 characters together, may be cut by the API server (Kubernetes documentation, "Dynamic Admission Control"). */
const longestWarning = 256;
const mostWarnings = 10;
const longestAnnotation = 2_000;
const mostProblems = 10;

export function answerNotGated(uid: string, why: string): ReviewAnswer {
  return answer(uid, true, { auditAnnotations: { verdict: "not gated", reason: why } });
}

export function answerExempt(uid: string, reason: string): ReviewAnswer {
  return answer(uid, true, { auditAnnotations: { verdict: "exempt", reason: cut(reason, longestAnnotation) } });
}

/** Refuses what could not be judged, where the enforcement lets it. `message`: what people at `kubectl apply` read. */
export function answerRefused(uid: string, message: string, enforcement: Enforcement): ReviewAnswer {
  const allowed = enforcement !== "deny";
  return answer(uid, allowed, {
    ...(allowed ? {} : { status: { code: 403, reason: "Forbidden", message } }),
    ...(enforcement === "warn" ? { warnings: [cut(`Would be denied: ${message}`, longestWarning)] } : {}),
    auditAnnotations: {
      verdict: allowed ? `would be denied (${enforcement})` : "denied",
      reason: cut(message, longestAnnotation),
    },
  });
}

/** `decisionId`: of the pass that counted. */
export function answerJudged(
  { uid, namespace }: AdmissionRequest,
  environment: string,
  workload: Workload,
  verdict: AdmissionVerdict,
  decisionId: string | null,
): ReviewAnswer {
  const { allowed, enforcement, basis, problems, notes } = verdict;
  const texts = problems.map(({ message }) => message);
  const warned = enforcement === "warn" ? texts.map((text) => `Would be denied: ${text}`) : [];
  const warnings = [...warned, ...verdict.warnings].slice(0, mostWarnings).map((text) => cut(text, longestWarning));
  const reasons = [...texts, ...notes].join(" ");
  return answer(uid, allowed, {
    ...(allowed
      ? {}
      : { status: { code: 403, reason: "Forbidden", message: denial(namespace, environment, workload, verdict) } }),
    ...(warnings.length === 0 ? {} : { warnings }),
    auditAnnotations: {
      verdict: !allowed ? "denied" : problems.length > 0 ? `would be denied (${enforcement})` : "allowed",
      basis,
      ...(decisionId === null ? {} : { decision: decisionId }),
      ...(reasons === "" ? {} : { reason: cut(reasons, longestAnnotation) }),
    },
  });
}

function denial(
  namespace: string,
  environment: string,
  { kind, name }: Workload,
  { problems }: AdmissionVerdict,
): string {
  const shown = problems.slice(0, mostProblems).flatMap(({ message, help }, index) => {
    const saidNext = help === problems[index + 1]?.help && index + 1 < mostProblems;
    return [`- ${message}`, ...(help === null || saidNext ? [] : [`  ${help}`])];
  });
  const more = problems.length > mostProblems ? [`- and ${problems.length - mostProblems} more`] : [];
  return [
    `${kind} ${namespace}/${name ?? "(without a name)"} is not admitted to ${environment}:`,
    ...shown,
    ...more,
  ].join("\n");
}

function answer(uid: string, allowed: boolean, rest: Omit<ReviewAnswer["response"], "uid" | "allowed">): ReviewAnswer {
  return { apiVersion: reviewVersion, kind: "AdmissionReview", response: { uid, allowed, ...rest } };
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

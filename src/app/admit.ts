import { randomUUID } from "node:crypto";
import {
  answerExempt,
  answerJudged,
  answerNotGated,
  answerRefused,
  type ReviewAnswer,
} from "../core/admission/answer.ts";
import { type Classification, classify } from "../core/admission/classify.ts";
import { type AdmissionInput, type AdmissionVerdict, judgeWorkload } from "../core/admission/judge.ts";
import type { CarriedPass } from "../core/admission/pass-agreement.ts";
import { type AdmissionRequest, parseReview } from "../core/admission/review.ts";
import { type AdmissionSettings, enforcementOf } from "../core/admission/settings.ts";
import type { Workload } from "../core/admission/workload.ts";
import { PlangateError } from "../core/errors.ts";
import type { Enforcement } from "../core/policy/policy.ts";
import type {
  AdmissionRecord,
  AdmissionRecorder,
  AdmittedTemplates,
  Clock,
  PassVerifier,
  PolicySource,
} from "./ports.ts";

export interface AdmissionPorts {
  clock: Clock;
  policies: PolicySource;
  passes: PassVerifier;
  recorder: AdmissionRecorder;
  templates: AdmittedTemplates;
}

export interface AdmissionGateSettings {
  admission: AdmissionSettings;
  staleAfterMs: number;
  unmatched: "reject" | "approve";
}

/** How a review ended, for logs and metrics. */
export interface Admitted {
  answer: ReviewAnswer;
  outcome: "not-gated" | "exempt" | "allowed" | "warned" | "denied" | "unreadable" | "unrecorded" | "failed";
  dryRun: boolean;
  record: AdmissionRecord | null;
  /** Why there is no verdict, or why it could not be recorded, either of which denies. */
  error: unknown;
}

/**
 * Answers an AdmissionReview. What it allows, and what it denies, is on this machine's disk before the answer goes out; of a dry run nothing is.
 * @throws PlangateError `bad-request`: the body has no `request.uid`, so that no API server has sent it.
 */
export async function admit(
  ports: AdmissionPorts,
  settings: AdmissionGateSettings,
  environment: string,
  raw: unknown,
): Promise<Admitted> {
  const review = parseReview(raw);
  const enforced = enforcementOf(settings.admission, environment);
  if (review.request === null) {
    if (review.uid === null) throw new PlangateError("bad-request", `${review.problem} It has no request.uid.`);
    return ended("unreadable", answerRefused(review.uid, review.problem, enforced), false);
  }
  const { request } = review;
  try {
    return await answerTo(ports, settings, environment, request, enforced);
  } catch (error) {
    // An error status would let it in, where the webhook's failurePolicy is Ignore.
    const message = "The gate failed when it judged this. Try again; if it lasts, look at the gate's log.";
    const answer = answerRefused(request.uid, message, enforced);
    return { answer, outcome: "failed", dryRun: request.dryRun, record: null, error };
  }
}

async function answerTo(
  ports: AdmissionPorts,
  settings: AdmissionGateSettings,
  environment: string,
  request: AdmissionRequest,
  enforced: Enforcement,
): Promise<Admitted> {
  const { uid, dryRun } = request;
  const classification = classify(request, environment, settings.admission);
  if (classification.kind === "not-gated") return ended("not-gated", answerNotGated(uid, classification.why), dryRun);
  const at = ports.clock.now();
  const policies = ports.policies.current();
  const asked = { request, environment, at, policyDigest: policies.set.digest };
  if (classification.kind === "judged") {
    return recorded(ports, request, enforced, await judge(ports, settings, classification, policies, asked));
  }
  if (classification.kind === "exempt") {
    const { workload, reason } = classification;
    const verdict = { allowed: true, basis: "exempt", enforcement: enforced, problems: [reason] } as const;
    const record = recordOf(asked, workload, verdict);
    return recorded(ports, request, enforced, { answer: answerExempt(uid, reason), outcome: "exempt", record });
  }
  const { problem } = classification;
  const allowed = enforced !== "deny";
  const verdict = { allowed, basis: "unreadable", enforcement: enforced, problems: [problem] } as const;
  const record = recordOf(asked, null, verdict);
  const answer = answerRefused(uid, problem, enforced);
  return recorded(ports, request, enforced, { answer, outcome: "unreadable", record });
}

type Judged = Extract<Classification, { kind: "judged" }>;

async function judge(
  ports: AdmissionPorts,
  settings: AdmissionGateSettings,
  { workload, workloadKind, changesTemplate }: Judged,
  { set, staleSince }: ReturnType<PolicySource["current"]>,
  asked: Asked,
): Promise<Result> {
  const { request, environment, at } = asked;
  const pass: CarriedPass = workload.pass === null ? null : ports.passes.verify(workload.pass, at);
  const verdict = await judgeKnowing(ports.templates, request, changesTemplate, {
    environment,
    workload,
    workloadKind,
    pass,
    admittedBefore: false,
    policySet: set,
    staleSince,
    staleAfterMs: settings.staleAfterMs,
    unmatched: settings.unmatched,
    settings: settings.admission,
    at,
  });
  const { allowed, basis, enforcement } = verdict;
  const decisionId = basis === "pass" ? (pass?.claims?.dec ?? null) : null;
  const problems = verdict.problems.map(({ message }) => message);
  return {
    answer: answerJudged(request, environment, workload, verdict, decisionId),
    outcome: !allowed ? "denied" : problems.length > 0 ? "warned" : "allowed",
    record: recordOf(asked, workload, { allowed, basis, enforcement, problems }, decisionId),
  };
}

/** Only what would be denied is looked up, so that nothing else waits for the database. A template that waits to be let go is not coming back. */
async function judgeKnowing(
  templates: AdmittedTemplates,
  request: AdmissionRequest,
  changesTemplate: boolean,
  input: AdmissionInput,
): Promise<AdmissionVerdict> {
  const verdict = judgeWorkload(input);
  const { workload, workloadKind, environment } = input;
  const rollsOut = !workloadKind.needsPass && workloadKind.template.length > 0;
  const isHeldUp = verdict.problems.length > 0 && input.settings.rollbacks === "allow";
  if (!changesTemplate || !rollsOut || !isHeldUp || request.name === null) return verdict;
  const admittedBefore = await templates.wasAdmitted({
    environment,
    namespace: request.namespace,
    kind: workload.kind,
    name: request.name,
    templateDigest: workload.templateDigest,
  });
  return admittedBefore ? judgeWorkload({ ...input, admittedBefore }) : verdict;
}

interface Asked {
  request: AdmissionRequest;
  environment: string;
  at: Date;
  policyDigest: string;
}

/** Whoever sends a manifest must not be able to fill the disk that verdicts wait on. */
const mostImages = 200;
const bounded = (text: string) => text.slice(0, 500);

/** `workload`: null where it cannot be read. */
function recordOf(
  { request, environment, at, policyDigest }: Asked,
  workload: Workload | null,
  verdict: Pick<AdmissionRecord, "allowed" | "basis" | "enforcement" | "problems">,
  decisionId: string | null = null,
): AdmissionRecord {
  return {
    id: `adm_${randomUUID().replaceAll("-", "")}`,
    uid: request.uid,
    at: at.toISOString(),
    environment,
    namespace: request.namespace,
    kind: workload?.kind ?? request.resource,
    name: request.name ?? bounded(workload?.name ?? ""),
    // Deleting and connecting are not judged.
    operation: request.operation === "UPDATE" ? "UPDATE" : "CREATE",
    user: request.user,
    service: workload?.service == null ? null : bounded(workload.service),
    commit: workload?.commit == null ? null : bounded(workload.commit),
    images: [...new Set(workload?.containers.map(({ image }) => bounded(image)))].slice(0, mostImages),
    ...verdict,
    decisionId,
    policyDigest,
    templateDigest: workload?.templateDigest ?? null,
  };
}

type Result = Pick<Admitted, "answer" | "outcome"> & { record: AdmissionRecord };

async function recorded(
  { recorder }: AdmissionPorts,
  { uid, dryRun }: AdmissionRequest,
  enforced: Enforcement,
  result: Result,
): Promise<Admitted> {
  if (dryRun) return { ...result, dryRun, record: null, error: null };
  try {
    await recorder.record(result.record);
    return { ...result, dryRun, error: null };
  } catch (error) {
    if (!(error instanceof PlangateError && error.code === "spool-failed")) throw error;
    const message =
      "The gate could not record this, and what is not recorded is not admitted. Try again; if it lasts, look at the gate's log.";
    const answer = result.answer.response.allowed ? answerRefused(uid, message, enforced) : result.answer;
    return { answer, outcome: "unrecorded", dryRun, record: null, error };
  }
}

function ended(outcome: Admitted["outcome"], answer: ReviewAnswer, dryRun: boolean): Admitted {
  return { answer, outcome, dryRun, record: null, error: null };
}

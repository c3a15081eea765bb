import { z } from "zod";

/** Version of `AdmissionReview` that the gate speaks; the answer repeats it. */
export const reviewVersion = "admission.k8s.io/v1";

const text = z.string().max(1_000);
/** A Kubernetes object: its parts are read where they are needed. */
const object = z.record(z.string(), z.unknown()).nullish();

/** Kubernetes adds fields in minor versions, so unknown ones are no error. */
const requestSchema = z.looseObject({
  uid: text.min(1),
  resource: z.looseObject({ group: text, version: text, resource: text.min(1) }),
  subResource: text.nullish(),
  name: text.nullish(),
  namespace: text.nullish(),
  operation: z.enum(["CREATE", "UPDATE", "DELETE", "CONNECT"]),
  userInfo: z.looseObject({ username: text.nullish(), groups: z.array(text).max(10_000).nullish() }),
  object,
  oldObject: object,
  dryRun: z.boolean().nullish(),
});

/**
 * What the API server asks (Kubernetes documentation, "Dynamic Admission Control", AdmissionReview v1). `object` is null where something is
 * deleted, `oldObject` where something is made.
 */
export interface AdmissionRequest {
  uid: string;
  /** "batch/jobs", "apps/deployments", "/pods": the version does not matter, since the parts that are read are the same in all. */
  resource: string;
  subResource: string | null;
  /** null: older API servers leave it out where they make it up (`generateName`). */
  name: string | null;
  namespace: string;
  operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  user: string;
  groups: readonly string[];
  object: Record<string, unknown> | null;
  oldObject: Record<string, unknown> | null;
  /** Nothing may be left behind of such a question. */
  dryRun: boolean;
}

/** `uid: null`: there is nobody to answer. */
export type ParsedReview = { request: AdmissionRequest } | { request: null; uid: string | null; problem: string };

/** JSON value → what is asked; `problem` is a sentence. */
export function parseReview(raw: unknown): ParsedReview {
  const { apiVersion, kind, request } = (isRecord(raw) ? raw : {}) as Record<string, unknown>;
  const given = isRecord(request) ? request.uid : null;
  const uid = typeof given === "string" && given !== "" && given.length <= 1_000 ? given : null;
  if (kind !== "AdmissionReview") return { request: null, uid, problem: "The body is not an AdmissionReview." };
  if (apiVersion !== reviewVersion) {
    const problem = `The gate speaks ${reviewVersion} only: set admissionReviewVersions: [v1] in the webhook configuration.`;
    return { request: null, uid, problem };
  }
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) {
    const places = parsed.error.issues.slice(0, 5).map(({ path }) => ["request", ...path].join("."));
    return { request: null, uid, problem: `The AdmissionReview is not of the documented form (${places.join(", ")}).` };
  }
  return { request: toRequest(parsed.data) };
}

function toRequest(given: z.output<typeof requestSchema>): AdmissionRequest {
  const { uid, resource, userInfo } = given;
  return {
    uid,
    resource: `${resource.group}/${resource.resource}`,
    subResource: given.subResource || null,
    name: given.name || null,
    namespace: given.namespace ?? "",
    operation: given.operation,
    user: userInfo.username ?? "",
    groups: userInfo.groups ?? [],
    object: given.object ?? null,
    oldObject: given.oldObject ?? null,
    dryRun: given.dryRun === true,
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

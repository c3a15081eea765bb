import { digestOf } from "../digest.ts";
import { globMatches } from "../policy/match.ts";
import { isControllerMade } from "./controllers.ts";
import { type AdmissionRequest, isRecord } from "./review.ts";
import type { AdmissionSettings, Exemption } from "./settings.ts";
import { readWorkload, type Workload } from "./workload.ts";
import { harmlessSubResources, type WorkloadKind, workloadKinds } from "./workload-kinds.ts";

/** What a review is about. */
export type Classification =
  /** Nothing that the gate holds up: `why` is a clause for the API server's audit log. */
  | { kind: "not-gated"; why: string }
  /** `problem`: a sentence. */
  | { kind: "unreadable"; problem: string }
  | { kind: "exempt"; workload: Workload; reason: string }
  | {
      kind: "judged";
      workload: Workload;
      workloadKind: WorkloadKind;
      /** The object is new or has another pod template than it had; if not, it is let go. */
      changesTemplate: boolean;
    };

export function classify(
  request: AdmissionRequest,
  environment: string,
  settings: Pick<AdmissionSettings, "exempt" | "controllers">,
): Classification {
  const { operation, resource, subResource } = request;
  if (operation === "DELETE") return notGated("deleting starts nothing");
  if (operation === "CONNECT") return notGated("connecting starts nothing");
  if (subResource !== null && harmlessSubResources.has(subResource)) {
    return notGated(`${subResource} starts nothing new`);
  }
  const kind = workloadKinds.get(resource);
  if (kind === undefined || (subResource !== null && subResource !== "ephemeralcontainers")) {
    const what = [...resource.split("/"), subResource].filter(Boolean).join("/");
    return unreadable(`The gate does not know the resource ${what}: take it out of the webhook's rules.`);
  }
  if (isControllerMade(request, kind.name, settings.controllers)) return notGated("a controller makes it");
  if (request.object === null) return unreadable("The AdmissionReview has no object.");
  const workload = readWorkload(kind, request.object);
  if (typeof workload === "string") {
    // Or else nobody could take the finalizers from it.
    if (changesMetadataOnly(request)) return notGated("nothing but its metadata changes");
    return unreadable(`The ${kind.name} cannot be read: ${workload}.`);
  }
  if (rollsBackUnseen(kind, request)) {
    return unreadable(
      `The annotation ${rollbackAnnotation} has a controller change the pod template, which is not asked about. Use kubectl rollout undo.`,
    );
  }
  const old = oldWorkload(request, kind);
  if (startsNothing(kind, old, workload)) return notGated("what it runs does not change");
  const exemption = settings.exempt.find((one) => exempts(one, environment, request, workload));
  if (exemption !== undefined) return { kind: "exempt", workload, reason: exemption.reason };
  const changesTemplate = old?.templateDigest !== workload.templateDigest;
  return { kind: "judged", workload, workloadKind: kind, changesTemplate };
}

/** null: there is none, or it cannot be read, and proves nothing. */
function oldWorkload({ operation, oldObject }: AdmissionRequest, kind: WorkloadKind): Workload | null {
  if (operation !== "UPDATE" || oldObject === null) return null;
  const old = readWorkload(kind, oldObject);
  return typeof old === "string" ? null : old;
}

/** Left from extensions/v1beta1; the deployment controller still does what it says (kubernetes/kubernetes pkg/controller/deployment/rollback.go). */
const rollbackAnnotation = "deprecated.deployment.rollback.to";

function rollsBackUnseen(kind: WorkloadKind, { object, oldObject }: AdmissionRequest): boolean {
  if (kind.name !== "Deployment") return false;
  const asked = annotationOf(object);
  return asked !== undefined && asked !== annotationOf(oldObject);
}

function annotationOf(object: AdmissionRequest["object"]): unknown {
  const metadata = object?.metadata;
  return isRecord(metadata) && isRecord(metadata.annotations) ? metadata.annotations[rollbackAnnotation] : undefined;
}

function startsNothing(kind: WorkloadKind, old: Workload | null, workload: Workload): boolean {
  if (old === null || (old.held && !workload.held)) return false;
  const rollsOut = !kind.needsPass && kind.template.length > 0;
  return rollsOut ? old.templateDigest === workload.templateDigest : old.runDigest === workload.runDigest;
}

function changesMetadataOnly({ operation, object, oldObject }: AdmissionRequest): boolean {
  if (operation !== "UPDATE" || object === null || oldObject === null) return false;
  const rest = ({ metadata: _, status: __, ...parts }: Record<string, unknown>) => digestOf(parts);
  return rest(object) === rest(oldObject);
}

function exempts(exemption: Exemption, environment: string, request: AdmissionRequest, workload: Workload): boolean {
  const { environments, namespaces, kinds, names, users, images } = exemption;
  const anyOf = (globs: readonly string[] | null, text: string) =>
    globs === null || globs.some((glob) => globMatches(glob, text));
  return (
    anyOf(environments, environment) &&
    anyOf(namespaces, request.namespace) &&
    (kinds === null || kinds.includes(workload.kind)) &&
    anyOf(names, request.name ?? workload.name ?? "") &&
    anyOf(users, request.user) &&
    (images === null ||
      (workload.containers.length > 0 && workload.containers.every(({ image }) => anyOf(images, image))))
  );
}

function notGated(why: string): Classification {
  return { kind: "not-gated", why };
}

function unreadable(problem: string): Classification {
  return { kind: "unreadable", problem };
}

import { commitAnnotation, migrationsAnnotation, passAnnotation, serviceLabel } from "../core/admission/workload.ts";
import { sha256Hex } from "../core/digest.ts";
import { PlangateError } from "../core/errors.ts";
import type { DeployRequest } from "../core/request.ts";

/**
 * `annotations`: what a workload's metadata must have, as a YAML mapping. `helm-values`: the same as values of a chart. `kustomize`: a
 * component that adds them to the service's workloads. `token`: the pass alone.
 */
export const passFormats = ["annotations", "kustomize", "helm-values", "token"] as const;
export type PassFormat = (typeof passFormats)[number];

/** The first line of every form but `token`. */
export const passFileMark = "# Written by plangate request, for one deploy. Do not edit it, do not check it in.";

type Deploy = Pick<DeployRequest, "service" | "commit" | "migrations">;

/** An approved request and its pass → the file that a pipeline applies. Throws PlangateError `usage` as `requirePassForm` does. */
export function formatPass(pass: string, deploy: Deploy, format: PassFormat): string {
  requirePassForm(deploy, format);
  if (format === "token") return `${pass}\n`;
  const annotations = annotationLines(pass, deploy);
  if (format === "annotations") return lines(passFileMark, ...annotations);
  if (format === "helm-values") {
    return lines(passFileMark, "plangate:", "  annotations:", ...indented(4, annotations));
  }
  return lines(
    passFileMark,
    "apiVersion: kustomize.config.k8s.io/v1alpha1",
    "kind: Component",
    "patches:",
    ...workloadKinds.flatMap((kind) => patchLines(kind, deploy.service, annotations)),
  );
}

/** Kubernetes has no such label: no workload could be this service. */
export function requirePassForm({ service }: Pick<Deploy, "service">, format: PassFormat): void {
  if (format !== "kustomize" || /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(service)) return;
  throw new PlangateError(
    "usage",
    `The service ${JSON.stringify(service)} cannot be the value of the label ${serviceLabel}, by which --pass-format kustomize finds its workloads.`,
  );
}

function annotationLines(pass: string, { commit, migrations }: Deploy): string[] {
  const sha256s = (migrations ?? []).map(({ sql }) => sha256Hex(sql));
  return [
    `${passAnnotation}: ${quoted(pass)}`,
    ...(commit == null ? [] : [`${commitAnnotation}: ${quoted(commit)}`]),
    ...(sha256s.length === 0 ? [] : [`${migrationsAnnotation}: ${quoted(sha256s.join(","))}`]),
  ];
}

interface WorkloadKind {
  apiVersion: string;
  kind: string;
  /** Jobs that are made from it by hand (`kubectl create job --from`) get its metadata, and are of the same service. */
  jobTemplate?: true;
}

/** Every kind that the admission check looks at. */
const workloadKinds: readonly WorkloadKind[] = [
  { apiVersion: "batch/v1", kind: "Job" },
  { apiVersion: "batch/v1", kind: "CronJob", jobTemplate: true },
  { apiVersion: "apps/v1", kind: "Deployment" },
  { apiVersion: "apps/v1", kind: "StatefulSet" },
  { apiVersion: "apps/v1", kind: "DaemonSet" },
  { apiVersion: "apps/v1", kind: "ReplicaSet" },
  { apiVersion: "v1", kind: "ReplicationController" },
  { apiVersion: "v1", kind: "PodTemplate" },
  { apiVersion: "v1", kind: "Pod" },
  { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout" },
];

/** A target takes the place of the patch's name, which has to be there all the same. */
function patchLines({ apiVersion, kind, jobTemplate }: WorkloadKind, service: string, annotations: string[]): string[] {
  return [
    `  - target: { kind: ${kind}, labelSelector: "${serviceLabel}=${service}" }`,
    "    patch: |-",
    ...indented(6, [
      `apiVersion: ${apiVersion}`,
      `kind: ${kind}`,
      "metadata:",
      "  name: any",
      "  annotations:",
      ...indented(4, annotations),
      ...(jobTemplate === undefined
        ? []
        : [
            "spec:",
            "  jobTemplate:",
            "    metadata:",
            `      labels: { ${serviceLabel}: ${quoted(service)} }`,
            "      annotations:",
            ...indented(8, annotations),
          ]),
    ]),
  ];
}

/** Nothing that a reader of YAML 1.1 takes for a number, a date or a line break. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function indented(columns: number, text: readonly string[]): string[] {
  return text.map((line) => `${" ".repeat(columns)}${line}`);
}

function lines(...text: string[]): string {
  return `${text.join("\n")}\n`;
}

import { z } from "zod";
import { digestOf } from "../digest.ts";
import { isRecord } from "./review.ts";
import type { WorkloadKind } from "./workload-kinds.ts";

export const passAnnotation = "plangate.dev/pass";
export const commitAnnotation = "plangate.dev/commit";
export const migrationsAnnotation = "plangate.dev/migrations";
export const serviceLabel = "app.kubernetes.io/name";

export interface Container {
  name: string;
  image: string;
  /** `volume`: an image that is mounted as files. */
  role: "container" | "init container" | "ephemeral container" | "volume";
}

/** An object that runs pods, as far as the gate looks at it. */
export interface Workload {
  kind: string;
  /** null: neither a name nor a `generateName`. */
  name: string | null;
  /** The label `app.kubernetes.io/name`. */
  service: string | null;
  pass: string | null;
  commit: string | null;
  /** SHA-256 (hex) of the migrations, in order, as the annotation lists them. */
  migrations: readonly string[];
  containers: readonly Container[];
  /** It waits to be let go: `suspend`, `paused`, or a Job with a parallelism of 0 or nothing to complete. */
  held: boolean;
  /** Of the pod template; what rolls out again when it changes. */
  templateDigest: string;
  /** Of what its pods run, and for a CronJob when: without what only says where and with how much. */
  runDigest: string;
}

const strings = z.record(z.string(), z.string()).nullish();
const metadataSchema = z.looseObject({
  name: z.string().nullish(),
  generateName: z.string().nullish(),
  labels: strings,
  annotations: strings,
});
const container = z.looseObject({ name: z.string(), image: z.string().nullish() });
const podSpecSchema = z.looseObject({
  containers: z.array(container),
  initContainers: z.array(container).nullish(),
  ephemeralContainers: z.array(container).nullish(),
  volumes: z
    .array(z.looseObject({ name: z.string(), image: z.looseObject({ reference: z.string().nullish() }).nullish() }))
    .nullish(),
});
const jobSpecSchema = z.looseObject({
  suspend: z.boolean().nullish(),
  parallelism: z.number().nullish(),
  completions: z.number().nullish(),
});
const specSchema = z.looseObject({
  ...jobSpecSchema.shape,
  paused: z.boolean().nullish(),
  schedule: z.string().nullish(),
  timeZone: z.string().nullish(),
  startingDeadlineSeconds: z.number().nullish(),
  jobTemplate: z.looseObject({ spec: jobSpecSchema.nullish() }).nullish(),
  /** Argo Rollouts: the pod template is another object's. */
  workloadRef: z.record(z.string(), z.unknown()).nullish(),
});

/** A string: what cannot be read, as a clause. */
export function readWorkload(kind: WorkloadKind, object: Record<string, unknown>): Workload | string {
  const metadata = metadataSchema.safeParse(object.metadata ?? {});
  if (!metadata.success) return "its metadata cannot be read";
  const spec = specSchema.safeParse(object.spec ?? {});
  if (!spec.success) return "its spec cannot be read";
  const template = kind.template.reduce<unknown>((part, key) => (isRecord(part) ? part[key] : undefined), object);
  const refersToOther = kind.name === "Rollout" && spec.data.workloadRef != null;
  const pods = readTemplate(template ?? (refersToOther ? noTemplate : undefined));
  if (typeof pods === "string") return pods;
  const { labels, annotations, name, generateName } = metadata.data;
  const { paused, schedule, timeZone, startingDeadlineSeconds, jobTemplate, workloadRef } = spec.data;
  const annotation = (key: string) => annotations?.[key] || null;
  return {
    kind: kind.name,
    name: name || generateName || null,
    service: labels?.[serviceLabel] || null,
    pass: annotation(passAnnotation),
    commit: annotation(commitAnnotation),
    migrations: listed(annotation(migrationsAnnotation)),
    containers: pods.containers,
    held: waits(spec.data) || paused === true || waits(jobTemplate?.spec ?? {}),
    templateDigest: digestOf({ template: pods.template, workloadRef: workloadRef ?? null }),
    runDigest: digestOf({
      runs: pods.runs,
      // What is put into pods (by Istio, by Vault) stands in their template's labels and annotations. Those of a running pod change nothing.
      marks: kind.template.length > 0 ? pods.marks : null,
      when: [schedule ?? null, timeZone ?? null, startingDeadlineSeconds ?? null],
    }),
  };
}

/** A rollout whose template is another object's, which is judged by itself. */
const noTemplate = { spec: { containers: [] } };

function waits({ suspend, parallelism, completions }: z.output<typeof jobSpecSchema>): boolean {
  return suspend === true || parallelism === 0 || completions === 0;
}

interface PodTemplate {
  containers: Container[];
  /** Without what does not roll out: marks of a restart, of the gate, and of controllers. */
  template: unknown;
  runs: unknown;
  /** Labels and annotations, without the same. */
  marks: unknown;
}

function readTemplate(template: unknown): PodTemplate | string {
  if (!isRecord(template)) return "it has no pod template";
  const metadata = metadataSchema.safeParse(template.metadata ?? {});
  if (!metadata.success) return "the metadata of its pod template cannot be read";
  const parsed = podSpecSchema.safeParse(template.spec);
  if (!parsed.success) return "the pod specification cannot be read";
  const spec = parsed.data;
  const withRole = (role: Container["role"], list: readonly z.output<typeof container>[] | null | undefined) =>
    (list ?? []).map(({ name, image }) => ({ name, image: image ?? "", role }));
  const mounted = (spec.volumes ?? []).flatMap(({ name, image }) =>
    image == null ? [] : [{ name, image: image.reference ?? "", role: "volume" as const }],
  );
  const { labels, annotations } = metadata.data;
  const marks = { labels: without(labels, isControllersLabel), annotations: without(annotations, isMark) };
  return {
    containers: [
      ...withRole("container", spec.containers),
      ...withRole("init container", spec.initContainers),
      ...withRole("ephemeral container", spec.ephemeralContainers),
      ...mounted,
    ],
    template: { ...marks, spec: template.spec },
    runs: runsOf(spec),
    marks,
  };
}

const isControllersLabel = (key: string) => key === "pod-template-hash" || key === "rollouts-pod-template-hash";
/** `kubectl rollout restart` runs the same once more. */
const isMark = (key: string) => key === "kubectl.kubernetes.io/restartedAt" || key.startsWith("plangate.dev/");

function without(
  given: Record<string, string> | null | undefined,
  leftOut: (key: string) => boolean,
): Record<string, string> {
  return Object.fromEntries(Object.entries(given ?? {}).filter(([key]) => !leftOut(key)));
}

/** Fields that say where a pod runs, with how much and for how long, which schedulers and queues set on what others have made. */
const scheduling: ReadonlySet<string> = new Set([
  "nodeName",
  "nodeSelector",
  "affinity",
  "tolerations",
  "topologySpreadConstraints",
  "schedulerName",
  "schedulingGates",
  "priority",
  "priorityClassName",
  "preemptionPolicy",
  "overhead",
  "resources",
  "activeDeadlineSeconds",
  "terminationGracePeriodSeconds",
]);

function runsOf(spec: z.output<typeof podSpecSchema>): unknown {
  const bare = (list: readonly z.output<typeof container>[] | null | undefined) =>
    (list ?? []).map((one) => omit(one, new Set(["resources", "resizePolicy"])));
  return {
    ...omit(spec, scheduling),
    containers: bare(spec.containers),
    initContainers: bare(spec.initContainers),
    ephemeralContainers: bare(spec.ephemeralContainers),
  };
}

function omit(object: Record<string, unknown>, keys: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.has(key)));
}

/** "sha256:ab…, cd…" → ["ab…", "cd…"] */
function listed(annotation: string | null): string[] {
  return (annotation ?? "")
    .split(/[\s,]+/)
    .filter((part) => part !== "")
    .map((part) => part.replace(/^sha256:/, "").toLowerCase());
}

import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { IValidatingWebhookConfiguration } from "kubernetes-models/admissionregistration.k8s.io/v1";
import type { IDeployment } from "kubernetes-models/apps/v1";
import type { ICronJob, IJob } from "kubernetes-models/batch/v1";
import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import type { IConfigMap, IPod, IPodSpec, ISecret, IService } from "kubernetes-models/v1";
import { parseAllDocuments } from "yaml";
import { helm, outputOf } from "../support/kubernetes-tools.ts";
import type { KubernetesObject } from "./strict-object.ts";

export const chartFolder = join(__dirname, "../../helm");

/** What the chart is installed with. */
export interface ValueSet {
  name: string;
  release: string;
  namespace: string;
  /** null: the chart's defaults. */
  file: string | null;
}

const folder = join(__dirname, "values");
const ordinary = { release: "plangate", namespace: "plangate-system" };
/** Names that YAML takes for numbers. */
const numbers = { release: "123", namespace: "456" };
const longest = {
  release: "1-release.with-a-name-of-exactly-fifty-three-chars-ab",
  namespace: "a-namespace-with-a-name-of-exactly-sixty-three-characters-abcde",
};

export const valueSets: ValueSet[] = [
  { name: "defaults", ...ordinary, file: null },
  ...readdirSync(folder)
    .sort()
    .map((file) => {
      const name = basename(file, ".yaml");
      const where = { "long-names": longest, "number-names": numbers }[name] ?? ordinary;
      return { name, ...where, file: join(folder, file) };
    }),
];

export const valuesArguments = ({ file }: ValueSet): string[] => (file === null ? [] : ["--values", file]);

/** What `helm template` prints. `more`: values that beat those of the set. */
export function templateText(set: ValueSet, more: object = {}): Promise<string> {
  const values = [...valuesArguments(set), "--values", "-"];
  const args = ["template", set.release, chartFolder, "--namespace", set.namespace, ...values];
  return outputOf(helm(args, { input: JSON.stringify(more) }));
}

export function parseObjects(text: string): KubernetesObject[] {
  const documents = parseAllDocuments(text, { uniqueKeys: true });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    if (document.errors.length > 0) throw new Error(document.errors.map(({ message }) => message).join("\n"));
    const object: KubernetesObject | null = document.toJS();
    return object === null ? [] : [object];
  });
}

/** Kinds that tests look into. What was rendered is checked against the same types. */
interface Kinds {
  ConfigMap: IConfigMap;
  CronJob: ICronJob;
  Deployment: IDeployment;
  Job: IJob;
  NetworkPolicy: INetworkPolicy;
  Pod: IPod;
  Secret: ISecret;
  Service: IService;
  ValidatingWebhookConfiguration: IValidatingWebhookConfiguration;
}

export function ofKind<K extends keyof Kinds>(
  objects: readonly KubernetesObject[],
  kind: K,
): (Kinds[K] & KubernetesObject)[] {
  return objects.filter((object) => object.kind === kind) as (Kinds[K] & KubernetesObject)[]; // by `kind`, see above
}

export function only<T>(list: readonly T[]): T {
  const [first, ...others] = list;
  if (first === undefined || others.length > 0) throw new Error(`Expected one, not ${list.length}`);
  return first;
}

export interface PodTemplate {
  owner: string;
  labels: Record<string, string>;
  spec: IPodSpec;
}

/** The pods of every object that makes some. */
export function podTemplates(objects: readonly KubernetesObject[]): PodTemplate[] {
  const found = [
    ...ofKind(objects, "Deployment").map((object) => ({ object, template: object.spec?.template })),
    ...ofKind(objects, "Job").map((object) => ({ object, template: object.spec?.template })),
    ...ofKind(objects, "CronJob").map((object) => ({ object, template: object.spec?.jobTemplate.spec?.template })),
    ...ofKind(objects, "Pod").map((object) => ({ object, template: object })),
  ];
  return found.map(({ object, template }) => {
    if (template?.spec === undefined) throw new Error(`${object.kind} ${object.metadata.name} has no pod`);
    return {
      owner: `${object.kind} ${object.metadata.name}`,
      labels: template.metadata?.labels ?? {},
      spec: template.spec,
    };
  });
}

export function containersOf({ containers, initContainers = [] }: IPodSpec) {
  return [...initContainers, ...containers];
}

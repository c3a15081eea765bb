/** Checks Kubernetes objects as an API server does that is asked for strict field validation: by the types, and without fields that nobody knows. */
import { createRequire } from "node:module";
import { join } from "node:path";

export type KubernetesObject = {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
};

/** Compiled from the OpenAPI document of Kubernetes, or from a CustomResourceDefinition. */
type Validate = ((data: unknown) => boolean) & {
  errors?: { instancePath: string; keyword: string; params: unknown }[] | null;
};

const schemas = new Map([
  ["admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration", kubernetes("Admissionregistration")],
  ["apps/v1 Deployment", kubernetes("Apps")],
  ["autoscaling/v2 HorizontalPodAutoscaler", kubernetes("Autoscaling")],
  ["batch/v1 CronJob", kubernetes("Batch")],
  ["batch/v1 Job", kubernetes("Batch")],
  ["cert-manager.io/v1 Certificate", "@kubernetes-models/cert-manager/_schemas/CertManagerIoV1Certificate"],
  ["cert-manager.io/v1 Issuer", "@kubernetes-models/cert-manager/_schemas/CertManagerIoV1Issuer"],
  [
    "monitoring.coreos.com/v1 PrometheusRule",
    "@kubernetes-models/prometheus-operator/_schemas/MonitoringCoreosComV1PrometheusRule",
  ],
  [
    "monitoring.coreos.com/v1 ServiceMonitor",
    "@kubernetes-models/prometheus-operator/_schemas/MonitoringCoreosComV1ServiceMonitor",
  ],
  ["networking.k8s.io/v1 NetworkPolicy", kubernetes("Networking")],
  ["policy/v1 PodDisruptionBudget", kubernetes("Policy")],
  ["v1 ConfigMap", kubernetes("Core")],
  ["v1 PersistentVolumeClaim", kubernetes("Core")],
  ["v1 Pod", kubernetes("Core")],
  ["v1 Secret", kubernetes("Core")],
  ["v1 Service", kubernetes("Core")],
  ["v1 ServiceAccount", kubernetes("Core")],
]);

function kubernetes(group: string): string {
  return `kubernetes-models/_schemas/IoK8sApi${group}`;
}

const load = createRequire(__filename);
const modules = join(__dirname, "../../node_modules");

/** What is wrong with the object; empty: nothing. */
export function problemsOf(object: KubernetesObject): string[] {
  const { apiVersion, kind } = object;
  const schema = schemas.get(`${apiVersion} ${kind}`);
  if (schema === undefined) return [`no type is known for ${apiVersion} ${kind}`];
  const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
  const isKubernetes = schema.startsWith("kubernetes-models/");
  const file = isKubernetes ? `${schema}${version.charAt(0).toUpperCase()}${version.slice(1)}${kind}` : schema;
  const { validate } = load(join(modules, `${file}.js`)) as { validate: Validate }; // such are the files of these packages
  const { proxy, unread } = watched(object);
  const problems = validate(proxy)
    ? []
    : (validate.errors ?? []).map(
        ({ instancePath, keyword, params }) => `${instancePath} breaks ${keyword} ${JSON.stringify(params)}`,
      );
  return [...problems, ...unread().map((path) => `${path} is no field`), ...nulls(object, "")];
}

/**
 * The compiled types say nothing about fields that they do not know. But they read each field that they know, and so what they have not
 * read is none.
 */
function watched(root: object): { proxy: object; unread(): string[] } {
  const read = new Set<string>();
  const wrap = (value: unknown, path: string): unknown => {
    if (typeof value !== "object" || value === null) return value;
    return new Proxy(value, {
      get(target, key) {
        const inner: unknown = Reflect.get(target, key);
        if (typeof key === "symbol" || typeof inner === "function") return inner;
        read.add(`${path}/${key}`);
        return wrap(inner, `${path}/${key}`);
      },
    });
  };
  const unreadOf = (value: unknown, path: string): string[] => {
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) =>
      read.has(`${path}/${key}`) ? unreadOf(inner, `${path}/${key}`) : [`${path}/${key}`],
    );
  };
  return { proxy: wrap(root, "") as object, unread: () => unreadOf(root, "") }; // an object wrapped is an object
}

/** A template that forgot to write something leaves `key:` behind. */
function nulls(value: unknown, path: string): string[] {
  if (value === null) return [`${path} is null`];
  if (typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) => nulls(inner, `${path}/${key}`));
}

import { randomUUID } from "node:crypto";

/** What API servers ask, in the proportion of a busy cluster: each is a new question about an object of some kilobytes. */
export function reviewMix(pass: string, imageDigest: string): (index: number) => Buffer {
  const image = `registry.example/orders@${imageDigest}`;
  return (index) => {
    const turn = index % 10;
    if (turn < 4)
      return review("apps", "deployments", "Deployment", {
        subResource: "scale",
        object: { spec: { replicas: index } },
      });
    if (turn < 5) return review("", "pods", "Pod", { object: pod(image), user: replicaSetController });
    if (turn < 8) return review("batch", "jobs", "Job", { object: job(image, pass, index) });
    return review("apps", "deployments", "Deployment", {
      operation: "UPDATE",
      object: deployment(image, `release-${index}`),
      oldObject: deployment(image, "before"),
    });
  };
}

const replicaSetController = "system:serviceaccount:kube-system:replicaset-controller";

interface Asked {
  operation?: "CREATE" | "UPDATE";
  subResource?: string;
  user?: string;
  object: object;
  oldObject?: object;
}

function review(group: string, resource: string, kind: string, asked: Asked): Buffer {
  const {
    operation = "CREATE",
    subResource,
    user = "system:serviceaccount:argocd:argocd-application-controller",
  } = asked;
  const request = {
    uid: randomUUID(),
    kind: { group, version: "v1", kind },
    resource: { group, version: "v1", resource },
    ...(subResource === undefined ? {} : { subResource }),
    namespace: "orders",
    name: "orders",
    operation,
    userInfo: { username: user, groups: ["system:serviceaccounts", "system:authenticated"] },
    object: asked.object,
    oldObject: asked.oldObject ?? null,
    dryRun: false,
    options: { apiVersion: "meta.k8s.io/v1", kind: "CreateOptions", fieldManager: "argocd-controller" },
  };
  return Buffer.from(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request }));
}

const metadata = (annotations: object) => ({
  name: "orders",
  namespace: "orders",
  labels: { "app.kubernetes.io/name": "orders", "app.kubernetes.io/instance": "orders" },
  annotations,
  managedFields: Array.from({ length: 4 }, (_, index) => ({
    manager: `manager-${index}`,
    operation: "Apply",
    apiVersion: "v1",
    time: "2026-11-22T12:00:00Z",
    fieldsType: "FieldsV1",
    fieldsV1: {
      "f:metadata": { "f:labels": { "f:app.kubernetes.io/name": {} } },
      "f:spec": { "f:template": { "f:spec": {} } },
    },
  })),
});

function podSpec(image: string, release: string) {
  return {
    restartPolicy: "Never",
    serviceAccountName: "orders",
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: "orders",
        image,
        env: Array.from({ length: 20 }, (_, index) => ({ name: `SETTING_${index}`, value: `${release}-${index}` })),
        resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
        livenessProbe: { httpGet: { path: "/healthz", port: 8080, scheme: "HTTP" }, periodSeconds: 10 },
        volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
      },
    ],
    volumes: [{ name: "tmp", emptyDir: {} }],
  };
}

const pod = (image: string) => ({ metadata: metadata({}), spec: podSpec(image, "release") });
const job = (image: string, pass: string, index: number) => ({
  metadata: metadata({ "plangate.dev/pass": pass, "plangate.dev/commit": "9f1c2e7" }),
  spec: { backoffLimit: 0, template: { metadata: {}, spec: podSpec(image, `run-${index}`) } },
});
const deployment = (image: string, release: string) => ({
  metadata: metadata({}),
  spec: { replicas: 3, template: { metadata: { labels: { app: "orders" } }, spec: podSpec(image, release) } },
});

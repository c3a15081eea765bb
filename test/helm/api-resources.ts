/** The kinds that the cluster of the tests knows. */
export interface ApiResource {
  groupVersion: string;
  kind: string;
  plural: string;
  namespaced: boolean;
}

const of = (groupVersion: string, kind: string, plural: string, namespaced = true): ApiResource => ({
  groupVersion,
  kind,
  plural,
  namespaced,
});

export const apiResources: readonly ApiResource[] = [
  of("v1", "Namespace", "namespaces", false),
  of("v1", "ConfigMap", "configmaps"),
  of("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
  of("v1", "Pod", "pods"),
  of("v1", "Secret", "secrets"),
  of("v1", "Service", "services"),
  of("v1", "ServiceAccount", "serviceaccounts"),
  of("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", false),
  of("apps/v1", "Deployment", "deployments"),
  of("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
  of("batch/v1", "CronJob", "cronjobs"),
  of("batch/v1", "Job", "jobs"),
  of("cert-manager.io/v1", "Certificate", "certificates"),
  of("cert-manager.io/v1", "Issuer", "issuers"),
  of("monitoring.coreos.com/v1", "PrometheusRule", "prometheusrules"),
  of("monitoring.coreos.com/v1", "ServiceMonitor", "servicemonitors"),
  of("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
  of("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
];

const groupVersions = [...new Set(apiResources.map(({ groupVersion }) => groupVersion))];
const rootOf = (groupVersion: string) => (groupVersion === "v1" ? "/api/v1" : `/apis/${groupVersion}`);

/** Path → document, for clients that ask what there is. */
export function discoveryDocuments(): Map<string, object> {
  const groups = groupVersions.filter((one) => one !== "v1");
  return new Map<string, object>([
    ["/version", { major: "1", minor: "34", gitVersion: "v1.34.0" }],
    ["/api", { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] }],
    ["/apis", { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(apiGroup) }],
    ...groupVersions.map((groupVersion): [string, object] => [rootOf(groupVersion), resourceList(groupVersion)]),
    ["/openapi/v3", { paths: Object.fromEntries(groupVersions.map((one) => [rootOf(one).slice(1), openApiOf(one)])) }],
    ...groupVersions.map((one): [string, object] => [`/openapi/v3${rootOf(one)}`, openApiDocument(one)]),
  ]);
}

function apiGroup(groupVersion: string) {
  const [name, version] = groupVersion.split("/");
  const entry = { groupVersion, version };
  return { name, versions: [entry], preferredVersion: entry };
}

function resourceList(groupVersion: string) {
  const verbs = ["create", "delete", "get", "list", "patch", "update", "watch"];
  const resources = apiResources
    .filter((one) => one.groupVersion === groupVersion)
    .map(({ kind, plural, namespaced }) => ({
      name: plural,
      singularName: kind.toLowerCase(),
      namespaced,
      kind,
      verbs,
    }));
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources };
}

const openApiOf = (groupVersion: string) => ({ serverRelativeURL: `/openapi/v3${rootOf(groupVersion)}?hash=1` });

/** As much as clients look for: that the server validates fields itself. */
function openApiDocument(groupVersion: string) {
  const [group = "", version = ""] = groupVersion.includes("/") ? groupVersion.split("/") : ["", groupVersion];
  const paths = apiResources
    .filter((one) => one.groupVersion === groupVersion)
    .map(({ kind, plural, namespaced }) => [
      `${rootOf(groupVersion)}${namespaced ? "/namespaces/{namespace}" : ""}/${plural}/{name}`,
      {
        patch: {
          parameters: [
            { name: "fieldValidation", in: "query" },
            { name: "dryRun", in: "query" },
          ],
          "x-kubernetes-group-version-kind": { group, version, kind },
        },
      },
    ]);
  return { openapi: "3.0.0", info: { title: "test", version: "1" }, paths: Object.fromEntries(paths) };
}

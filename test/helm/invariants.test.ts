/** What holds for the chart whatever the values are. */
import { X509Certificate } from "node:crypto";
import { isControllerMade } from "../../src/core/admission/controllers.ts";
import { workloadKinds } from "../../src/core/admission/workload-kinds.ts";
import { containersOf, ofKind, only, parseObjects, podTemplates, templateText, valueSets } from "./chart.ts";
import { referencesOf } from "./references.ts";
import type { KubernetesObject } from "./strict-object.ts";

/** Objects that an operator brings along, as the value sets name them. */
const fromElsewhere = new Map([
  ["defaults", ["Secret plangate-database url"]],
  ["embedded", []],
  // cert-manager makes the certificate's.
  ["cert-manager", certificate("plangate-admission", "Secret plangate-database url")],
  ["cert-manager-issuer", certificate("plangate-admission", "Secret plangate-database url")],
  [
    "existing-secrets",
    [
      "Secret gate-database uri",
      "Secret gate-callers orders",
      "Secret gate-callers orders-next",
      "Secret gate-signing gate-2027.pem",
      "Secret gate-certificate tls.crt",
      "Secret gate-certificate tls.key",
      "ConfigMap company-policies",
      "ConfigMap api-server-client-ca ca.crt",
    ],
  ],
  ["environments", ["Secret plangate-database url"]],
  [
    "evidence",
    [
      "Secret plangate-database url",
      "Secret billing-primary url",
      "Secret billing-replica",
      "Secret orders-servers primary",
      "Secret orders-servers replica-1",
      "Secret orders-collector private.pem",
      "Secret shipping-servers primary",
    ],
  ],
  ["monitoring", ["Secret plangate-database url"]],
  ["decisions-only", ["Secret plangate-database url"]],
  ["strict-cluster", ["Secret plangate-database url", "Secret plangate-database-owner url", "Secret postgres-ca"]],
  ["plain-network", ["Secret plangate-database url", "Secret other secret"]],
  ["number-names", ["Secret 1 2", "Secret 4 5", "Secret 12", "Secret 19 20", "Secret 21 22", "ConfigMap 3"]],
  ["long-names", ["Secret plangate-database url", "Secret plangate-database-owner url", "Secret orders url"]],
]);

function certificate(name: string, ...others: string[]): string[] {
  return [`Secret ${name} tls.crt`, `Secret ${name} tls.key`, `Secret ${name} ca.crt`, ...others];
}

/**
 * Those that do not name a controller. What they leave out the gate lets through: see its cases pod-mirror, job-labels-changed,
 * job-finalizer-removed, job-suspending and cronjob-suspending.
 */
const otherConditions: ReadonlyMap<string, string> = new Map([
  [
    "not-by-kubelet",
    '!(request.kind.kind == "Pod" && has(request.userInfo.username) && request.userInfo.username.startsWith("system:node:") && has(request.userInfo.groups) && "system:nodes" in request.userInfo.groups)',
  ],
  [
    "not-of-metadata-only",
    '!(request.operation == "UPDATE" && has(object.spec) && has(oldObject.spec) && object.spec == oldObject.spec && !(has(object.metadata.annotations) && "deprecated.deployment.rollback.to" in object.metadata.annotations))',
  ],
  [
    "not-suspending",
    '!(request.operation == "UPDATE" && has(object.spec) && has(oldObject.spec) && has(object.spec.suspend) && object.spec.suspend == true && object.spec.all(key, key == "suspend" || (key in oldObject.spec && object.spec[key] == oldObject.spec[key])) && oldObject.spec.all(key, key == "suspend" || key in object.spec))',
  ],
]);

const matches = (selector: Record<string, string> | undefined, labels: Record<string, string>) =>
  selector !== undefined && Object.entries(selector).every(([key, value]) => labels[key] === value);

describe.each(valueSets)("$name", (set) => {
  let objects: KubernetesObject[] = [];
  beforeAll(async () => {
    objects = parseObjects(await templateText(set));
  });
  const gate = () => {
    const deployment = only(ofKind(objects, "Deployment"));
    const pod = only(podTemplates([deployment]));
    return { deployment, ...pod, container: only(pod.spec.containers) };
  };

  test("names are at most 63 characters long, CronJobs' 52, and no object is there twice", () => {
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    const tooLong = objects.filter(({ kind, metadata }) => metadata.name.length > (kind === "CronJob" ? 52 : 63));
    expect(tooLong.map(({ metadata }) => metadata.name)).toEqual([]);
    const dots = objects.filter(({ kind, metadata }) => kind === "Service" && !/^[a-z][-a-z0-9]*$/.test(metadata.name));
    expect(dots.map(({ metadata }) => metadata.name)).toEqual([]);
  });

  test("labels have values that Kubernetes takes", () => {
    const labels = [
      ...objects.map(({ metadata }) => metadata.labels ?? {}),
      ...podTemplates(objects).map((pod) => pod.labels),
    ];
    const wrong = labels.flatMap((all) =>
      Object.entries(all).filter(([, value]) => !/^([A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?)?$/.test(value)),
    );
    expect(wrong).toEqual([]);
    for (const all of labels) expect(all["app.kubernetes.io/instance"]).toBe(set.release);
  });

  test("Service, Deployment and NetworkPolicy select the gate's pods, and nobody else's", () => {
    const { deployment, labels } = gate();
    const others = podTemplates(objects).filter(({ owner }) => !owner.startsWith("Deployment"));
    const selectors = [
      deployment.spec?.selector.matchLabels,
      only(ofKind(objects, "Service")).spec?.selector,
      ...objects
        .filter(({ kind }) => kind === "PodDisruptionBudget")
        // Its only selector is of the same form.
        .map(
          (object) =>
            (object as { spec?: { selector?: { matchLabels?: Record<string, string> } } }).spec?.selector?.matchLabels,
        ),
      ...(deployment.spec?.template?.spec?.topologySpreadConstraints ?? []).map(
        ({ labelSelector }) => labelSelector?.matchLabels,
      ),
    ];
    for (const selector of selectors) {
      expect(matches(selector, labels)).toBe(true);
      for (const other of others) expect([other.owner, matches(selector, other.labels)]).toEqual([other.owner, false]);
    }
  });

  test("every pod is covered by a NetworkPolicy that says what it may reach", () => {
    const policies = ofKind(objects, "NetworkPolicy");
    if (policies.length === 0) return expect(set.name).toBe("plain-network");
    for (const { owner, labels } of podTemplates(objects)) {
      const covering = policies.filter(({ spec }) => {
        const { matchLabels, matchExpressions = [] } = spec?.podSelector ?? {};
        return (
          matches(matchLabels, labels) &&
          matchExpressions.every(({ key, values }) => values?.includes(labels[key] ?? ""))
        );
      });
      expect([owner, covering.length]).toEqual([owner, 1]);
      expect(covering.map(({ spec }) => spec?.policyTypes)).toEqual([["Ingress", "Egress"]]);
    }
    for (const { spec } of policies) expect(spec?.egress?.length).toBeGreaterThan(0);
  });

  test("every Secret, ConfigMap and volume claim that a pod names is in the chart, or brought along", () => {
    const present = objects.flatMap((object) => {
      const { kind, metadata } = object;
      const data = (object as { data?: Record<string, string> }).data ?? {}; // of ConfigMaps and Secrets
      return [`${kind} ${metadata.name}`, ...Object.keys(data).map((key) => `${kind} ${metadata.name} ${key}`)];
    });
    const needed = new Set(podTemplates(objects).flatMap(({ spec }) => referencesOf(spec)));
    const missing = [...needed].filter((reference) => !present.includes(reference));
    expect(missing.sort()).toEqual([...(fromElsewhere.get(set.name) ?? ["?"])].sort());
  });

  test("every mount has its volume, every port its container's, every name is there once", () => {
    for (const { spec } of podTemplates(objects)) {
      const volumes = (spec.volumes ?? []).map(({ name }) => name);
      expect(new Set(volumes).size).toBe(volumes.length);
      const mounted = containersOf(spec).flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name));
      expect([...new Set(mounted)].sort()).toEqual([...volumes].sort());
      for (const { volumeMounts = [], env = [] } of containersOf(spec)) {
        const places = volumeMounts.map(({ mountPath }) => mountPath);
        expect(new Set(places).size).toBe(places.length);
        const variables = env.map(({ name }) => name);
        expect(new Set(variables).size).toBe(variables.length);
      }
    }
    const { container } = gate();
    const ports = (container.ports ?? []).map(({ name }) => name);
    const service = only(ofKind(objects, "Service")).spec?.ports ?? [];
    expect(service.map(({ targetPort }) => targetPort).sort()).toEqual([...ports].sort());
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
      expect(ports).toContain(probe?.httpGet?.port ?? probe?.tcpSocket?.port);
    }
    for (const { spec } of ofKind(objects, "NetworkPolicy")) {
      const named = (spec?.ingress ?? []).flatMap((rule) => (rule.ports ?? []).map(({ port }) => port));
      expect(named.filter((port) => !ports.includes(String(port)))).toEqual([]);
    }
  });

  test("pods pass the restricted Pod Security Standard, write to volumes alone, and have no token", () => {
    for (const { owner, spec } of podTemplates(objects)) {
      expect([owner, spec]).toEqual([
        owner,
        expect.objectContaining({
          automountServiceAccountToken: false,
          securityContext: expect.objectContaining({
            runAsNonRoot: true,
            runAsUser: 65532,
            seccompProfile: { type: "RuntimeDefault" },
          }),
        }),
      ]);
      for (const container of containersOf(spec)) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        expect(container.resources).toMatchObject({
          requests: { cpu: expect.anything(), memory: expect.anything() },
          limits: { memory: expect.anything() },
        });
        // Kubernetes would replace it; "$$" stands for "$".
        const words = [...(container.command ?? []), ...(container.args ?? [])];
        expect(words.filter((text) => text.replaceAll("$$", "").includes("$("))).toEqual([]);
      }
      const kinds = (spec.volumes ?? []).flatMap(({ name: _, ...kind }) => Object.keys(kind));
      const allowed = ["configMap", "secret", "projected", "emptyDir", "persistentVolumeClaim"];
      expect(kinds.filter((kind) => !allowed.includes(kind))).toEqual([]);
    }
  });

  test("a pod leaves the endpoints before it ends, and has the time to end", () => {
    const { spec, container } = gate();
    const drain = container.lifecycle?.preStop?.sleep?.seconds ?? 0;
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(drain + 60);
  });

  test("one gate on the embedded database, which is stopped before the next one starts", () => {
    const { deployment, spec, container } = gate();
    const embedded = spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim != null);
    expect(embedded).toBe(set.name === "embedded");
    const { replicas, strategy } = deployment.spec ?? {};
    if (embedded) expect({ replicas, strategy }).toEqual({ replicas: 1, strategy: { type: "Recreate" } });
    else expect(strategy?.type).toBe("RollingUpdate");
    if (embedded) expect(container.resources?.limits).toEqual({ memory: "2Gi" });
    const scaled = objects.some(({ kind }) => kind === "HorizontalPodAutoscaler");
    expect(replicas === undefined).toBe(scaled);
  });

  test("webhooks: two for each environment, with its path; never for kube-system, the nodes' leases and the gate's own namespace", () => {
    const configurations = ofKind(objects, "ValidatingWebhookConfiguration");
    if (set.name === "decisions-only") return expect(configurations).toEqual([]);
    const webhooks = only(configurations).webhooks ?? [];
    expect(new Set(webhooks.map(({ name }) => name)).size).toBe(webhooks.length);
    const service = only(ofKind(objects, "Service"));
    for (const webhook of webhooks) {
      const [, kind, environment] = /^(jobs|workloads)\.(.*)\.plangate\.dev$/.exec(webhook.name) ?? [];
      expect(webhook.clientConfig.service).toEqual({
        name: service.metadata.name,
        namespace: set.namespace,
        port: service.spec?.ports?.find(({ name }) => name === "admission")?.port,
        path: `/admission/${environment}`,
      });
      const [labelled, excluded, ...others] = webhook.namespaceSelector?.matchExpressions ?? [];
      expect(labelled).toEqual({ key: "plangate.dev/environment", operator: "In", values: [environment] });
      expect(excluded).toMatchObject({ key: "kubernetes.io/metadata.name", operator: "NotIn" });
      expect(excluded?.values).toEqual(expect.arrayContaining(["kube-system", "kube-node-lease", set.namespace]));
      expect(others).toEqual([]);
      // Whoever makes an object chooses its labels.
      expect(webhook.objectSelector).toBeUndefined();
      const groups = (webhook.rules ?? []).flatMap(({ apiGroups = [], resources = [] }) =>
        apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource}`)),
      );
      const known = groups.map((name) => workloadKinds.get(name.replace("/ephemeralcontainers", "")));
      expect(known.map((one) => one?.needsPass)).toEqual(groups.map(() => kind === "jobs"));
      for (const rule of webhook.rules ?? []) {
        expect(rule).toMatchObject({ operations: ["CREATE", "UPDATE"], scope: "Namespaced" });
      }
      expect(webhook).toMatchObject({
        failurePolicy: set.name === "environments" || kind === "jobs" ? "Fail" : "Ignore",
        timeoutSeconds: set.name === "environments" ? 5 : 3,
        sideEffects: "NoneOnDryRun",
        matchPolicy: "Equivalent",
        admissionReviewVersions: ["v1"],
      });
    }
  });

  test("the webhooks are asked about everything that the gate knows", () => {
    if (set.name !== "environments") return;
    const rules = ofKind(objects, "ValidatingWebhookConfiguration").flatMap(({ webhooks = [] }) =>
      webhooks.flatMap((webhook) => webhook.rules ?? []),
    );
    const asked = rules.flatMap(({ apiGroups = [], resources = [] }) =>
      apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource}`)),
    );
    // matchPolicy Equivalent: an object of an old group is converted.
    const known = [...workloadKinds.keys()].filter((name) => !name.startsWith("extensions/"));
    expect([...new Set(asked)].sort()).toEqual([...known, "/pods/ephemeralcontainers"].sort());
  });

  test("what the API server does not ask about is what the gate lets through anyhow", () => {
    const form =
      /^!\(has\(request\.userInfo\.username\) && request\.userInfo\.username == "([a-z:-]+)"(?: && request\.kind\.kind in (\[.*\]))?\)$/;
    const everyKind = [...workloadKinds.values()].map(({ name }) => name);
    for (const { webhooks = [] } of ofKind(objects, "ValidatingWebhookConfiguration")) {
      for (const { matchConditions = [] } of webhooks) {
        for (const { name, expression } of matchConditions) {
          const exactly = otherConditions.get(name);
          if (exactly !== undefined) {
            expect(expression).toBe(exactly);
            continue;
          }
          const [, user = "", kinds] = form.exec(expression) ?? [];
          const left: string[] = kinds === undefined ? everyKind : JSON.parse(kinds);
          expect(left.filter((kind) => !isControllerMade({ user, groups: [] }, kind, []))).toEqual([]);
        }
      }
    }
  });

  test("the webhooks trust the certificate that is served", () => {
    const configurations = ofKind(objects, "ValidatingWebhookConfiguration");
    const secret = ofKind(objects, "Secret").find(({ metadata }) => metadata.name.endsWith("-admission-tls"));
    const bundles = new Set(
      configurations.flatMap(({ webhooks = [] }) => webhooks.map(({ clientConfig }) => clientConfig.caBundle)),
    );
    if (secret === undefined) {
      const external = {
        "cert-manager": undefined,
        "cert-manager-issuer": undefined,
        "existing-secrets": expect.any(String),
      };
      const name = set.name as keyof typeof external; // or it fails
      if (set.name === "decisions-only") expect([...bundles]).toEqual([]);
      else expect([...bundles]).toEqual([external[name]]);
      const annotation = configurations[0]?.metadata.annotations?.["cert-manager.io/inject-ca-from"];
      if (set.name.startsWith("cert-manager")) expect(annotation).toBe(`${set.namespace}/plangate-admission`);
      return;
    }
    const decoded = (text: string | undefined) => Buffer.from(text ?? "", "base64").toString();
    const ca = new X509Certificate(decoded(only([...bundles])));
    const served = new X509Certificate(decoded(secret.data?.["tls.crt"]));
    expect(served.verify(ca.publicKey)).toBe(true);
    expect(served.checkIssued(ca)).toBe(true);
    const { metadata } = only(ofKind(objects, "Service"));
    expect(served.checkHost(`${metadata.name}.${set.namespace}.svc`)).toBeDefined();
    expect(served.checkHost("other.svc")).toBeUndefined();
  });
});

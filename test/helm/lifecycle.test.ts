/** Real helm and kubectl against an API server: what an install makes, what an upgrade keeps and replaces, what an uninstall leaves. */
import { X509Certificate } from "node:crypto";
import { helm, kubectl, outputOf, type ToolResult } from "../support/kubernetes-tools.ts";
import { startTestCluster, type TestCluster } from "./api-server.ts";
import { chartFolder, ofKind, only, templateText, valueSets } from "./chart.ts";
import type { KubernetesObject } from "./strict-object.ts";

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startTestCluster();
});
afterEach(() => cluster.close());

const namespace = ["--namespace", "plangate-system"];
const run = (args: string[], values: object = {}): Promise<ToolResult> =>
  helm([...args, ...namespace], { env: cluster.env, input: JSON.stringify(values) });
const install = (values: object = {}) =>
  outputOf(run(["upgrade", "--install", "plangate", chartFolder, "--reset-values", "--values", "-"], values));
const uninstall = () => outputOf(run(["uninstall", "plangate"]));

function data(secret: string): Record<string, string> {
  return only(ofKind([found("Secret", secret)], "Secret")).data ?? {};
}

function found(kind: string, name: string): KubernetesObject {
  const object = cluster.get(kind, name);
  if (object === null) throw new Error(`There is no ${kind} ${name}`);
  return object;
}

const webhooks = "plangate-system-plangate";
const everySecret = ["plangate-admission-ca", "plangate-admission-tls", "plangate-callers", "plangate-keys"];

/** The certificates that the webhooks trust, and the one that is served. */
function certificates() {
  const { webhooks: all = [] } = only(
    ofKind([found("ValidatingWebhookConfiguration", webhooks)], "ValidatingWebhookConfiguration"),
  );
  const bundle = only([...new Set(all.map(({ clientConfig }) => clientConfig.caBundle ?? ""))]);
  const authorities = decoded(bundle).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const served = new X509Certificate(decoded(data("plangate-admission-tls")["tls.crt"]));
  return { bundle, authorities: authorities.map((pem) => new X509Certificate(pem)), served };
}

const shown = ({ bundle, served }: ReturnType<typeof certificates>) => ({ bundle, served: served.fingerprint256 });
const decoded = (text: string | undefined) => Buffer.from(text ?? "", "base64").toString();
const signs = (authority: X509Certificate | undefined, certificate: X509Certificate) =>
  authority !== undefined && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);

describe("helm install", () => {
  test("makes the webhooks last, when everything that they call is there", async () => {
    await install();
    const objects = cluster.log.map((line) => line.replace("create ", ""));
    expect(objects).toHaveLength(13);
    expect(objects.at(-1)).toBe(`ValidatingWebhookConfiguration ${webhooks}`);
    expect(objects.slice(0, -1)).toEqual(expect.arrayContaining(["Service plangate", "Deployment plangate"]));
  });

  test("makes the schema before the gates, and leaves nothing of that behind", async () => {
    await install({ database: { migrate: { enabled: true } } });
    expect(cluster.log.slice(0, 4)).toEqual([
      "create NetworkPolicy plangate-migrate",
      "create Job plangate-migrate",
      "delete Job plangate-migrate",
      "delete NetworkPolicy plangate-migrate",
    ]);
    expect([cluster.names("Job"), cluster.names("Deployment")]).toEqual([[], ["plangate"]]);
  });

  test("says what to do next", async () => {
    const notes = await install({
      config: { admission: { environments: [{ name: "staging", enforcement: "warn" }] } },
    });
    expect(notes).toContain("kubectl create secret generic plangate-database --namespace plangate-system");
    expect(notes).toContain("helm test plangate --namespace plangate-system");
    expect(notes).toContain("kubectl label namespace orders plangate.dev/environment=staging    # warn");
    expect(notes).toContain(`kubectl delete validatingwebhookconfiguration ${webhooks}`);
    const command = /-o go-template='(.*)'/.exec(notes)?.[1] ?? "";
    const secret = kubectl(["get", "secret", "plangate-callers", ...namespace, "-o", `go-template=${command}`], {
      env: cluster.env,
    });
    expect(await outputOf(secret)).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  });

  test("helm test", async () => {
    await install();
    expect(await outputOf(run(["test", "plangate"]))).toMatch(/TEST SUITE: +plangate-test\n.*\n.*\nPhase: +Succeeded/);
    expect(cluster.names("Pod")).toEqual([]);
  });
});

describe("helm upgrade", () => {
  test("keeps certificates, keys and secrets, and does not restart the gates", async () => {
    await install();
    const before = [...everySecret.map(data), certificates().bundle, found("Deployment", "plangate")];
    await install();
    const [callers, keys] = [data("plangate-callers"), data("plangate-keys")];
    expect([Object.keys(callers), Object.keys(keys)]).toEqual([["pipelines"], ["gate-1.pem"]]);
    const unversioned = (object: unknown) =>
      JSON.parse(JSON.stringify(object).replace(/"resourceVersion":"\d+"/, '"":""'));
    const after = [...everySecret.map(data), certificates().bundle, found("Deployment", "plangate")];
    expect(after.map(unversioned)).toEqual(before.map(unversioned));
  });

  test("restarts the gates where plangate.yaml changes, and not where a policy does", async () => {
    const checksum = () =>
      only(ofKind([found("Deployment", "plangate")], "Deployment")).spec?.template?.metadata?.annotations?.[
        "checksum/config"
      ];
    await install();
    const before = checksum();
    await install({ policies: { files: { "a.yaml": "version: 1\npolicy: a\n" } } });
    expect(checksum()).toBe(before);
    await install({ config: { lease: { max: "30m" } } });
    expect(checksum()).not.toBe(before);
  });

  test("a new certificate of the same CA: gates with the old one are trusted too", async () => {
    await install();
    const before = certificates();
    await install({ admission: { tls: { generated: { certificateSerial: 2 } } } });
    const after = certificates();
    expect(after.bundle).toBe(before.bundle);
    expect(after.served.fingerprint256).not.toBe(before.served.fingerprint256);
    expect([before.served, after.served].map((served) => signs(only(after.authorities), served))).toEqual([true, true]);
  });

  test("a new CA: the one before is trusted until the next", async () => {
    const withSerial = (caSerial: number) => install({ admission: { tls: { generated: { caSerial } } } });
    await withSerial(1);
    const first = certificates();
    await withSerial(2);
    const second = certificates();
    expect(second.authorities.map((authority) => signs(authority, second.served))).toEqual([true, false]);
    expect(second.authorities.map((authority) => signs(authority, first.served))).toEqual([false, true]);
    await withSerial(2);
    expect(shown(certificates())).toEqual(shown(second));
    await withSerial(3);
    const third = certificates();
    expect(third.authorities.map((authority) => signs(authority, second.served))).toEqual([false, true]);
    expect(third.authorities.map((authority) => signs(authority, first.served))).toEqual([false, false]);
  });

  test("certificates that end soon are renewed", async () => {
    const expiresIn = (secret: string, days: number) =>
      cluster.change("Secret", secret, ({ metadata }) => {
        const at = Math.floor(Date.now() / 1000) + days * 86_400;
        metadata.annotations = { ...metadata.annotations, "plangate.dev/expires": String(at) };
      });
    await install();
    const first = certificates();
    expiresIn("plangate-admission-tls", 61);
    await install();
    expect(shown(certificates())).toEqual(shown(first));
    expiresIn("plangate-admission-tls", 59);
    await install();
    const second = certificates();
    expect(second.served.fingerprint256).not.toBe(first.served.fingerprint256);
    expect(second.bundle).toBe(first.bundle);
    expiresIn("plangate-admission-ca", 59);
    await install();
    const third = certificates();
    expect(third.authorities.map((authority) => signs(authority, second.served))).toEqual([false, true]);
    expect(third.authorities.map((authority) => signs(authority, third.served))).toEqual([true, false]);
  });

  test("a certificate whose CA was lost is replaced with it; the gates that still serve it are trusted", async () => {
    await install();
    const before = certificates();
    await outputOf(
      kubectl(["delete", "secret", "plangate-admission-ca", ...namespace, "--wait=false"], { env: cluster.env }),
    );
    await install();
    const after = certificates();
    expect(after.authorities.map((authority) => signs(authority, after.served))).toEqual([true, false]);
    expect(after.authorities.map((authority) => signs(authority, before.served))).toEqual([false, true]);
  });

  test("signing keys are rotated with overlap", async () => {
    await install({ keys: [{ kid: "a" }] });
    const first = data("plangate-keys");
    await install({ keys: [{ kid: "a" }, { kid: "b" }] });
    const both = data("plangate-keys");
    expect(both["a.pem"]).toBe(first["a.pem"]);
    expect(both["b.pem"]).not.toBe(first["a.pem"]);
    await install({ keys: [{ kid: "b" }, { kid: "a" }] });
    expect(data("plangate-keys")).toEqual(both);
    await install({ keys: [{ kid: "b" }] });
    expect(data("plangate-keys")).toEqual({ "b.pem": both["b.pem"] });
  });

  test("a secret whose entry was deleted is made anew, the others stay", async () => {
    const callers = ["a", "b"].map((name) => ({ name, services: ["*"], environments: ["*"], may: ["read"] }));
    await install({ callers });
    const before = data("plangate-callers");
    cluster.change("Secret", "plangate-callers", (object) => {
      delete (object as { data?: Record<string, string> }).data?.a;
    });
    await install({ callers });
    const after = data("plangate-callers");
    expect(after.b).toBe(before.b);
    expect(decoded(after.a)).toMatch(/^whsec_/);
    expect(after.a).not.toBe(before.a);
  });

  test("cert-manager takes over: the webhooks ask for its CA, and the chart's certificates go", async () => {
    const certManager = { admission: { tls: { source: "certManager" } } };
    await install();
    await install(certManager);
    expect(cluster.names("Secret")).toEqual(["plangate-callers", "plangate-keys"]);
    const configuration = found("ValidatingWebhookConfiguration", webhooks);
    expect(configuration.metadata.annotations?.["cert-manager.io/inject-ca-from"]).toBe(
      "plangate-system/plangate-admission",
    );
    expect(certificates).toThrow("plangate-admission-tls");
  });

  test("without the admission check the webhooks go, and their certificate", async () => {
    await install();
    const before = cluster.log.length;
    await install({ admission: { enabled: false } });
    const deleted = cluster.log.slice(before).filter((line) => line.startsWith("delete"));
    expect(deleted.sort()).toEqual([
      "delete Secret plangate-admission-ca",
      "delete Secret plangate-admission-tls",
      `delete ValidatingWebhookConfiguration ${webhooks}`,
    ]);
  });
});

describe("helm uninstall", () => {
  test("removes the webhooks first, and keeps keys and secrets for the next install", async () => {
    await install();
    const before = [data("plangate-callers"), data("plangate-keys")];
    const installed = cluster.log.length;
    await uninstall();
    expect(cluster.log[installed]).toBe(`delete ValidatingWebhookConfiguration ${webhooks}`);
    expect(cluster.names("ValidatingWebhookConfiguration")).toEqual([]);
    expect(cluster.names("Deployment")).toEqual([]);
    expect(cluster.names("Secret")).toEqual(["plangate-callers", "plangate-keys"]);
    await install();
    expect([data("plangate-callers"), data("plangate-keys")]).toEqual(before);
  });

  test("keeps the volume of an embedded database", async () => {
    await install({ database: { embedded: { enabled: true } } });
    await uninstall();
    expect(cluster.names("PersistentVolumeClaim")).toEqual(["plangate-data"]);
  });

  test("two releases share a cluster", async () => {
    await install();
    await outputOf(helm(["install", "plangate", chartFolder, "--namespace", "other"], { env: cluster.env }));
    expect(cluster.names("ValidatingWebhookConfiguration")).toEqual(["other-plangate", webhooks]);
    await uninstall();
    expect(cluster.names("ValidatingWebhookConfiguration")).toEqual(["other-plangate"]);
  });
});

describe("kubectl", () => {
  test.each(valueSets)("takes what helm renders: $name", async (set) => {
    const input = await templateText(set);
    const into = ["--namespace", set.namespace, "--filename", "-"];
    const client = await kubectl(["create", "--dry-run=client", ...into], { env: cluster.env, input });
    expect(client).toMatchObject({ status: 0, stderr: "" });
    const server = await kubectl(["apply", "--server-side", "--validate=strict", ...into], { env: cluster.env, input });
    expect(server).toMatchObject({ status: 0, stderr: "" });
    const lines = server.stdout.trim().split("\n");
    expect(lines.every((line) => line.endsWith(" serverside-applied"))).toBe(true);
    expect(lines.length).toBe(client.stdout.trim().split("\n").length);
  });

  test("and the API server of this test refuses what it should", async () => {
    const input = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, date: {} });
    const { status, stderr } = await kubectl(["create", ...namespace, "--filename", "-"], { env: cluster.env, input });
    expect([status, stderr]).toEqual([1, expect.stringContaining("/date is no field")]);
  });
});

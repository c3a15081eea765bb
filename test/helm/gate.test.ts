/** The gate itself is started with what the chart puts in front of it. */
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type GateConfig, loadConfig } from "../../src/adapters/config/config.ts";
import { loadGateKeys } from "../../src/adapters/gate-keys.ts";
import { loadPolicyDirectory } from "../../src/adapters/policies/read-directory.ts";
import { newLog } from "../../src/entry/http/log.ts";
import { type RunningGate, startGate } from "../../src/entry/http/start-gate.ts";
import { cli } from "../cli/run.ts";
import { apiServerClient } from "../support/api-server-client.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { ofKind, only, parseObjects, podTemplates, templateText, type ValueSet, valueSets } from "./chart.ts";
import { type Installed, installGate, podEnvironment } from "./install.ts";
import type { KubernetesObject } from "./strict-object.ts";

/** ConfigMaps and Secrets of the value sets whose names do not tell what they hold. */
const policies = {
  "1": { "2": "postgres://plangate@db.example.com/plangate" },
  "4": { "5": newKeyPair().privatePem },
  "3": { "all.yaml": "version: 1\npolicy: all\nappliesTo: { changes: [any] }\nenforcement: deny\nrules: {}\n" },
  "company-policies": {
    "all.yaml": "version: 1\npolicy: all\nappliesTo: { changes: [any] }\nenforcement: deny\nrules: {}\n",
  },
};
const render = async (set: ValueSet) => parseObjects(await templateText(set));

describe.each(valueSets)("$name", (set) => {
  let installed: Installed;
  let objects: KubernetesObject[];
  beforeAll(async () => {
    objects = await render(set);
    installed = installGate(objects, policies);
  });
  afterAll(() => installed.cleanup());

  test("plangate.yaml, its keys and the policies are accepted", async () => {
    const config = loadConfig(installed.config, installed.file, installed.env);
    const keys = await loadGateKeys(config.keys, config.gate.dataDir);
    expect(keys.map(({ kid }) => kid)).toEqual(config.keys.map(({ kid }) => kid));
    const { policies } = await loadPolicyDirectory(config.policies.directory, { at: new Date("2026-11-22T12:00:00Z") });
    expect(policies.length).toBeGreaterThan(0);
  });

  test("the gate listens where the pod's ports are, for the environments of the webhooks", () => {
    const { listen, admission, database } = loadConfig(installed.config, installed.file, installed.env);
    const { spec } = only(podTemplates(ofKind(objects, "Deployment")));
    const ports = spec.containers[0]?.ports?.map(({ name, containerPort }) => [name, containerPort]);
    const listening = [
      ["api", listen.api.port],
      ...(listen.admission === null ? [] : [["admission", listen.admission.port]]),
      ["metrics", listen.metrics?.port],
    ];
    expect(ports).toEqual(listening);
    expect(database === null).toBe(set.name === "embedded");
    const webhooks = ofKind(objects, "ValidatingWebhookConfiguration").flatMap(({ webhooks = [] }) => webhooks);
    const paths = [...new Set(webhooks.map(({ clientConfig }) => clientConfig.service?.path))];
    const environments = [...(admission.environments?.keys() ?? [])].map((name) => `/admission/${name}`);
    expect(paths).toEqual(listen.admission === null ? [] : environments);
  });
});

function newKeyPair() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

describe("a gate of the chart", () => {
  const collector = newKeyPair();
  let database: PostgresServer;
  let objects: KubernetesObject[];
  let installed: Installed;
  let gate: RunningGate;

  beforeAll(async () => {
    const set = only(valueSets.filter(({ name }) => name === "long-names"));
    const signing = { kid: "collector", privateKey: { name: "collector", key: "private.pem" } };
    const servers = [{ name: "orders-primary", url: { name: "orders", key: "url" } }];
    const evidenceKey = { kid: "collector", algorithm: "ES256", publicKeyFile: "public-keys/collector.pem" };
    const values = {
      config: { evidence: { keys: [evidenceKey] } },
      publicKeys: { "collector.pem": collector.publicPem },
      evidenceCollector: { databases: [{ name: "orders", database: "orders production", servers, signing }] },
    };
    objects = parseObjects(await templateText(set, values));
    database = await startPostgres({ major: 18 });
    installed = installGate(objects, { "plangate-database": { url: database.url } });
    const config = loadConfig(installed.config, installed.file, installed.env);
    gate = await startGate(onLoopback(config), {
      clock: { now: () => new Date() },
      log: newLog("silent"),
      timeZoneDatabase: "test",
      onFirstStart: () => {},
    });
  });
  afterAll(async () => {
    await gate?.stop();
    await database?.cleanup();
    installed?.cleanup();
  });

  const admissionUrl = () => gate.admissionUrl ?? "";

  test("API servers that trust the webhooks' caBundle get an answer at the webhooks' path", async () => {
    const { webhooks = [] } = only(ofKind(objects, "ValidatingWebhookConfiguration"));
    for (const { clientConfig } of webhooks) {
      const { name, namespace, path = "" } = clientConfig.service ?? { name: "", namespace: "" };
      const client = apiServerClient({
        url: admissionUrl(),
        caBundle: Buffer.from(clientConfig.caBundle ?? "", "base64").toString(),
        serverName: `${name}.${namespace}.svc`,
      });
      const { response } = await client.call(path);
      client.close();
      expect(response).toMatchObject({ allowed: false, status: { code: 403 } });
    }
  });

  test("helm test", async () => {
    const { spec } = only(podTemplates(ofKind(objects, "Pod")));
    const env = podEnvironment(objects, spec);
    const { hostname } = new URL(env.ADMISSION_URL ?? "");
    const { stdout } = await runContainer(spec.containers[0], {
      ...env,
      API_URL: gate.url,
      ADMISSION_URL: admissionUrl(),
      ADMISSION_SERVER_NAME: hostname,
    });
    expect(stdout).toMatch(
      /^The gate is ready\.\nan-environment-\S+ \(deny\): a Job without a pass is denied\. .*carries no pass/s,
    );
  });

  test("helm test fails where the certificate is another's", async () => {
    const { spec } = only(podTemplates(ofKind(objects, "Pod")));
    const env = podEnvironment(objects, spec);
    const run = runContainer(spec.containers[0], {
      ...env,
      API_URL: gate.url,
      ADMISSION_URL: admissionUrl(),
      ADMISSION_SERVER_NAME: "plangate.elsewhere.svc",
    });
    await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("does not match certificate") });
  });

  test("evidence is collected, signed and pushed", async () => {
    const { spec } = only(podTemplates(ofKind(objects, "CronJob")));
    for (const folder of ["evidence", "signing"]) mkdirSync(join(installed.root, folder));
    writeFileSync(join(installed.root, "signing/private.pem"), collector.privatePem);
    const here = (text: string) => text.replace(/^\/(evidence|signing)\//, `${installed.root}/$1/`);
    expect(spec.initContainers?.map(({ name }) => name)).toEqual(["collect", "sign"]);
    for (const { args = [] } of spec.initContainers ?? []) {
      expect((await cli(args.map(here), { env: { SERVER_1_URL: database.url } })).code).toBe(0);
    }
    const env = podEnvironment(objects, spec);
    expect(Object.keys(env)).toEqual(["PLANGATE_SECRET"]);
    const args = spec.containers[0]?.args?.map(here) ?? [];
    const url = args[args.indexOf("--url") + 1] ?? "";
    const { metadata, spec: service } = only(ofKind(objects, "Service"));
    const { hostname, port } = new URL(url);
    expect(hostname.split(".")[0]).toBe(metadata.name);
    expect(service?.ports?.find(({ name }) => name === "api")?.port).toBe(Number(port));
    const push = (env: Record<string, string>) =>
      cli(
        args.map((text) => (text === url ? gate.url : text)),
        { env, now: new Date().toISOString() },
      );
    expect(await push(env)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^stored {2}orders-primary: signed, sha256:[0-9a-f]{64}\n$/),
    });

    const stranger = await push({ PLANGATE_SECRET: `whsec_${"A".repeat(32)}` });
    expect(stranger).toMatchObject({ code: 1, stderr: expect.stringContaining("401") });
    const file = args[2] ?? "";
    writeFileSync(file, readFileSync(file, "utf8").replace("orders-primary", "orders-replica"));
    expect(await push(env)).toMatchObject({ code: 1, stderr: expect.stringContaining("422 evidence-refused") });
  });

  test("the alerts are about metrics that the gate has", async () => {
    await fetch(`${gate.url}/v1/decisions`, { method: "POST" });
    const text = await (await fetch(`${gate.metricsUrl}/metrics`)).text();
    const present = new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name));
    const rules = objects.filter(({ kind }) => kind === "PrometheusRule");
    const used = [...JSON.stringify(rules).matchAll(/\b(plangate_\w+?)(?:_bucket)?\{/g)].map(([, name]) => name);
    expect(new Set(used).size).toBeGreaterThan(10);
    expect(used.filter((name) => !present.has(name))).toEqual([]);
    expect(text).toMatch(/^plangate_http_requests_total\{route="\/v1\/decisions",status="\d+"\} 1$/m);
  });
});

function onLoopback(config: GateConfig): GateConfig {
  const free = { address: "127.0.0.1", port: 0 };
  const { admission } = config.listen;
  return {
    ...config,
    listen: { api: free, metrics: free, admission: admission === null ? null : { ...admission, ...free } },
  };
}

/** Runs a container of the image as Kubernetes would: `node` is the image's. */
async function runContainer(
  container: { command?: string[]; args?: string[] } | undefined,
  env: Record<string, string>,
): Promise<{ stdout: string; stderr: string }> {
  const [program, ...args] = [...(container?.command ?? []), ...(container?.args ?? [])];
  expect(program).toBe("node");
  return promisify(execFile)(process.execPath, args, { env });
}

import { helm } from "../support/kubernetes-tools.ts";
import { chartFolder } from "./chart.ts";

const withValues = (values: object) =>
  helm(["template", "plangate", chartFolder, "--namespace", "plangate-system", "--values", "-"], {
    input: JSON.stringify(values),
  });

const environment = (name: string, more: object = {}) => ({
  config: { admission: { environments: [{ name, ...more }] } },
});
const caller = { name: "a", services: ["*"], environments: ["*"], may: ["request"] };
const collector = (more: object) => ({
  evidenceCollector: {
    enabled: true,
    databases: [{ name: "a", database: "b", servers: [{ name: "c", url: { name: "d", key: "e" } }], ...more }],
  },
});

test.each<[string, object, string]>([
  // Typing errors, at every depth: what is misspelt would not protect.
  ["an unknown value", { replica: 3 }, "additional properties 'replica' not allowed"],
  ["an unknown value inside", { admission: { webhook: { jobs: { failPolicy: "Fail" } } } }, "'failPolicy' not allowed"],
  ["an unknown key of plangate.yaml", { config: { lease: { maximum: "1h" } } }, "'maximum' not allowed"],
  [
    "an unknown key of an exemption",
    { config: { admission: { exempt: [{ reason: "a", namespace: "b" }] } } },
    "'namespace' not allowed",
  ],
  ["an unknown key of a caller", { callers: [{ ...caller, secret: "s" }] }, "'secret' not allowed"],
  ["an unknown resource list", { resources: { limit: { memory: "1Gi" } } }, "'limit' not allowed"],
  ["an unknown probe field", { probes: { liveness: { threshold: 3 } } }, "'threshold' not allowed"],
  // What the chart sets itself would be lost.
  ["listen in config", { config: { listen: { api: { port: 80 } } } }, "'listen' not allowed"],
  ["the database's URL in config", { config: { database: { url: "postgres://a:b@c/d" } } }, "'database' not allowed"],
  ["keys in config", { config: { keys: [] } }, "'keys' not allowed"],
  ["callers in config", { config: { callers: [caller] } }, "'callers' not allowed"],
  ["gate.dataDir in config", { config: { gate: { dataDir: "/data" } } }, "'dataDir' not allowed"],
  ["the database's URL in extraEnv", { extraEnv: [{ name: "PLANGATE_DATABASE_URL", value: "a" }] }, "'not' failed"],
  // Values out of range.
  ["no replica", { replicas: 0 }, "minimum: got 0, want 1"],
  ["a number as text", { replicas: "2" }, "got string, want integer"],
  ["a webhook that waits too long", { admission: { webhook: { timeoutSeconds: 31 } } }, "maximum: got 31, want 30"],
  [
    "a failure policy that is none",
    { admission: { webhook: { jobs: { failurePolicy: "Deny" } } } },
    "value must be one of 'Fail', 'Ignore'",
  ],
  [
    "an enforcement that is none",
    environment("production", { enforcement: "off" }),
    "value must be one of 'deny', 'warn', 'dryrun'",
  ],
  ["an environment that is no label", environment("Production!"), "does not match pattern"],
  ["no environment", { config: { admission: { environments: [] } } }, "minItems: got 0, want 1"],
  [
    "a kind that nobody admits",
    { config: { admission: { exempt: [{ reason: "a", kinds: ["Secret"] }] } } },
    "value must be one of",
  ],
  ["a duration that is none", { config: { policies: { staleAfter: "1 day" } } }, "does not match pattern"],
  ["an antiAffinity that is none", { antiAffinity: "hard" }, "value must be one of 'preferred', 'required', 'none'"],
  ["a digest that is none", { image: { digest: "sha256:abc" } }, "does not match pattern"],
  ["an image with its tag", { image: { repository: "a@sha256:0" } }, "does not match pattern"],
  ["a name with a path", { secretMounts: ["../keys"] }, "does not match pattern"],
  ["a pod that is killed while it answers", { terminationGracePeriodSeconds: 30 }, "minimum: got 30, want 60"],
  // Secrets where they would be seen.
  [
    "a private key among public ones",
    { publicKeys: { "a.pem": "-----BEGIN PRIVATE KEY-----" } },
    "'/publicKeys/a.pem'",
  ],
  ["a caller's secret itself", { callers: [{ ...caller, secrets: ["whsec_AAAA"] }] }, "got string, want object"],
  [
    "a file that hides plangate.yaml",
    { publicKeys: { "plangate.yaml": "-----BEGIN PUBLIC KEY-----" } },
    "invalid propertyName 'plangate.yaml'",
  ],
  [
    "a policy that would not be read",
    { policies: { files: { "a.txt": "version: 1" } } },
    "invalid propertyName 'a.txt'",
  ],
  // Things that need others.
  [
    "a certificate of one's own without its CA",
    { admission: { tls: { source: "existingSecret", existingSecret: { name: "a" } } } },
    "'/admission/tls/existingSecret/ca'",
  ],
  [
    "a certificate of one's own without its Secret",
    { admission: { tls: { source: "existingSecret", existingSecret: { ca: "-----BEGIN CERTIFICATE-----" } } } },
    "'/admission/tls/existingSecret/name'",
  ],
  ["no caller", { callers: [] }, "minItems: got 0, want 1"],
  [
    "a caller with secret and token",
    {
      callers: [
        {
          ...caller,
          secrets: [{ name: "a", key: "b" }],
          oidc: { issuer: "https://a.example", audience: "b", claims: {} },
        },
      ],
    },
    "'not' failed",
  ],
  ["no key", { keys: [] }, "minItems: got 0, want 1"],
  ["a collector without databases", { evidenceCollector: { enabled: true } }, "minItems: got 0, want 1"],
  ["a collector with a long name", collector({ name: "a-name-of-more-than-twenty-characters" }), "maxLength"],
  [
    "a collector with a URL",
    collector({ servers: [{ name: "a", url: "postgres://a:b@c/d" }] }),
    "got string, want object",
  ],
  // Contradictions that the templates find.
  [
    "replicas of an embedded database",
    { database: { embedded: { enabled: true } }, autoscaling: { enabled: true } },
    "the embedded database is one gate's own",
  ],
  [
    "an owner of an embedded database",
    { database: { embedded: { enabled: true }, migrate: { enabled: true } } },
    "the embedded database has no owner beside the gate",
  ],
  ["one kid for two keys", { keys: [{ kid: "a" }, { kid: "a" }] }, "keys: a is given twice"],
  ["a public key that signs", { keys: [{ kid: "a", publicKeyFile: "public-keys/a.pem" }] }, "the first key signs"],
  ["one name for two callers", { callers: [caller, caller] }, "callers: a is given twice"],
  [
    "one name for two environments",
    { config: { admission: { environments: [{ name: "a" }, { name: "a" }] } } },
    "config.admission.environments: a is given twice",
  ],
  ["a pause that leaves no time", { drainSeconds: 60 }, "terminationGracePeriodSeconds: must be at least 120"],
  [
    "a key file that is not there",
    { keys: [{ kid: "a" }, { kid: "b", publicKeyFile: "public-keys/b.pem" }] },
    "publicKeys has no b.pem",
  ],
])("%s is refused", async (_what, values, message) => {
  const { status, stdout, stderr } = await withValues(values);
  expect(stderr).toContain(message);
  expect([status, stdout]).toEqual([1, ""]);
});

test("nothing of the above is refused for another reason", async () => {
  const values = {
    ...collector({ signing: { kid: "a", privateKey: { name: "b", key: "c" } } }),
    callers: [{ ...caller, secrets: [{ name: "a", key: "b" }] }],
    drainSeconds: 20,
    extraEnv: [{ name: "A", value: "b" }],
  };
  expect(await withValues(values)).toMatchObject({ status: 0, stderr: "" });
});

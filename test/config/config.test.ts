import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, defaultConfig, loadConfig, loadConfigFile } from "../../src/adapters/config/config.ts";

const file = "/srv/plangate/plangate.yaml";

function errorOf(load: () => unknown): ConfigError {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("it loaded");
}

const problems = (text: string, env = {}) =>
  errorOf(() => loadConfig(text, file, env)).issues.map(
    ({ line, column, key, message }) => `${line}:${column} ${key}: ${message}`,
  );

const noAdmission = { controllers: [], environments: null, exempt: [], rollbacks: "allow", sidecars: [] };

const noApprovers = {
  audience: "plangate",
  byKid: new Map(),
  quorum: new Map(),
  maxTtlMs: { override: 900_000, approval: 604_800_000 },
  revoked: { jtis: new Set(), kids: new Set(), subjects: new Set() },
};

test("everything that can be set", () => {
  const text = `
gate: { name: orders-gate, dataDir: data, publicUrl: https://plangate.example.com }
listen:
  api: { address: "::1", port: 9000 }
  metrics: { port: 9001 }
  admission: { address: "::", port: 8443, tls: { cert: tls/tls.crt, key: /run/tls.key, clientCa: tls/client-ca.crt } }
database: { urlEnv: PLANGATE_DATABASE_URL }
policies: { directory: ../policies, staleAfter: 12h, unmatched: approve }
services:
  - { name: orders, migrationFormat: dbmate, database: orders-production }
  - { name: __proto__ }
lease: { max: 30m }
evidence: { retention: 90d }
`;
  const url = "postgres://gate:secret@db.example:5432/plangate";
  expect(loadConfig(text, file, { PLANGATE_DATABASE_URL: url })).toEqual({
    gate: { name: "orders-gate", dataDir: "/srv/plangate/data", publicUrl: "https://plangate.example.com" },
    listen: {
      api: { address: "::1", port: 9000 },
      metrics: { address: "127.0.0.1", port: 9001 },
      admission: {
        address: "::",
        port: 8443,
        tls: {
          certFile: "/srv/plangate/tls/tls.crt",
          keyFile: "/run/tls.key",
          clientCaFile: "/srv/plangate/tls/client-ca.crt",
        },
      },
    },
    database: { url },
    policies: { directory: "/srv/policies", staleAfterMs: 43_200_000, unmatched: "approve" },
    services: new Map([
      ["orders", { migrationFormat: "dbmate", database: "orders-production" }],
      ["__proto__", { migrationFormat: null, database: null }],
    ]),
    lease: { maxMs: 1_800_000 },
    callers: null,
    databases: new Map(),
    evidence: { retentionMs: 7_776_000_000, keys: new Map() },
    approvers: { ...noApprovers, audience: "orders-gate" },
    notify: [],
    keys: [],
    audit: { checkpointEveryMs: 600_000, checkpointFile: null, mask: [] },
    admission: { ...noAdmission, spoolDirectory: "/srv/plangate/data/admission-spool" },
  });
});

test("what holds where nothing is set", () => {
  expect(defaultConfig("/srv/plangate")).toEqual({
    gate: { name: "plangate", dataDir: "/srv/plangate/.plangate", publicUrl: null },
    listen: { api: { address: "127.0.0.1", port: 8080 }, metrics: null, admission: null },
    database: null,
    policies: { directory: "/srv/plangate/policies", staleAfterMs: 86_400_000, unmatched: "reject" },
    services: new Map(),
    lease: { maxMs: 3_600_000 },
    callers: null,
    databases: new Map(),
    evidence: { retentionMs: null, keys: new Map() },
    approvers: noApprovers,
    notify: [],
    keys: [],
    audit: { checkpointEveryMs: 600_000, checkpointFile: null, mask: [] },
    admission: { ...noAdmission, spoolDirectory: "/srv/plangate/.plangate/admission-spool" },
  });
  expect(loadConfig("lease: { max: 1h }", file, {})).toEqual(defaultConfig("/srv/plangate"));
});

test("everything that is wrong is said at once, with its place", () => {
  const text = `
gate: { nmae: x, publicUrl: plangate.example.com }
listen:
  api: { port: 99999 }
policies: { staleAfter: 24, unmatched: aprove }
services:
  - { migrationFormat: rails }
lease: { max: forever }
`;
  expect(problems(text)).toEqual([
    '2:9 gate.nmae: unknown key; did you mean "name"? allowed: name, dataDir, publicUrl',
    '2:29 gate.publicUrl: expected a URL: "https://plangate.example.com"',
    "4:16 listen.api.port: expected at most 65535",
    '5:25 policies.staleAfter: a duration is a whole number and a unit: "45s", "10m", "24h" or "35d", got the number 24',
    '5:40 policies.unmatched: expected one of reject, approve, got "aprove"; did you mean "approve"?',
    "7:5 services[0].name: the key is missing; expected text",
    '7:24 services[0].migrationFormat: expected one of plain, dbmate, goose, golang-migrate, flyway, sqitch, got "rails"',
    '8:15 lease.max: a duration is a whole number and a unit: "45s", "10m", "24h" or "35d"',
  ]);
});

describe("the admission webhook", () => {
  test("needs no callers, and may be reached from elsewhere: TLS is demanded", () => {
    const text = "listen: { admission: { address: 0.0.0.0, port: 8443, tls: { cert: tls.crt, key: tls.key } } }";
    expect(loadConfig(text, file, {}).listen.admission).toEqual({
      address: "0.0.0.0",
      port: 8443,
      tls: { certFile: "/srv/plangate/tls.crt", keyFile: "/srv/plangate/tls.key", clientCaFile: null },
    });
  });

  test.each([
    ["{ address: 0.0.0.0, port: 8443 }", "1:11 listen.admission.tls: the key is missing; expected a mapping"],
    ["{ port: 8443, tls: { cert: a, key: b } }", "1:11 listen.admission.address: the key is missing; expected text"],
    [
      "{ address: '::', tls: { cert: a, key: b } }",
      "1:11 listen.admission.port: the key is missing; expected a number",
    ],
    [
      "{ address: '::', port: 1, tls: { cert: a } }",
      "1:48 listen.admission.tls.key: the key is missing; expected text",
    ],
    [
      "{ address: '::', port: 1, tls: { key: a } }",
      "1:48 listen.admission.tls.cert: the key is missing; expected text",
    ],
    [
      "{ address: '::', port: 1, tls: { cert: a, key: '' } }",
      "1:69 listen.admission.tls.key: expected at least 1 character",
    ],
    ["{ address: '::', port: 65536, tls: { cert: a, key: b } }", "1:45 listen.admission.port: expected at most 65535"],
    ["{ address: '::', port: 1, tls: off }", '1:53 listen.admission.tls: expected a mapping, got the text "off"'],
    [
      "{ address: '::', port: 1, tls: { cert: a, key: b, ca: c } }",
      "1:72 listen.admission.tls.ca: unknown key; allowed: cert, key, clientCa",
    ],
  ])("%s", (admission, problem) => {
    expect(problems(`listen: { admission: ${admission} }`)).toEqual([problem]);
  });
});

test.each(["0.0.0.0", "10.0.0.7", "::", "gate.example.com", "localhost.example.com", "1.127.0.1", "::ffff:10.0.0.7"])(
  "without authentication the gate does not listen on %s",
  (address) => {
    for (const key of ["api", "metrics"]) {
      expect(problems(`listen: { ${key}: { address: "${address}", port: 8080 } }`)).toEqual([
        expect.stringContaining(`listen.${key}.address: no authentication is configured, so only loopback is allowed`),
      ]);
    }
  },
);

test.each(["127.0.0.1", "127.8.9.10", "::1", "localhost"])("it does on %s", (address) => {
  expect(loadConfig(`listen: { api: { address: "${address}", port: 0 } }`, file, {}).listen.api.address).toBe(address);
});

describe("the database", () => {
  const env = {
    GOOD: "postgresql://db/x",
    EMPTY: "",
    MYSQL: "mysql://root:hunter2@db/x",
    TEXT: "host=db password=hunter2",
  };
  test.each([
    ["{}", "set either `url` or `urlEnv`"],
    ["{ url: postgres://a/b, urlEnv: GOOD }", "set either `url` or `urlEnv`"],
    ["{ urlEnv: MISSING }", "the environment variable MISSING is not set or empty"],
    ["{ urlEnv: EMPTY }", "the environment variable EMPTY is not set or empty"],
    ["{ urlEnv: MYSQL }", "the environment variable MYSQL must be a URL such as postgres://user@host:5432/database"],
    ["{ urlEnv: TEXT }", "the environment variable TEXT must be a URL such as postgres://user@host:5432/database"],
    ["{ url: mysql://root:hunter2@db }", "the value must be a URL such as postgres://user@host:5432/database"],
    ['{ url: "" }', "is empty"],
  ])("%s", (yaml, message) => {
    const found = problems(`database: ${yaml}`, env);
    expect(found).toEqual([expect.stringContaining(message)]);
    expect(found.join()).not.toContain("hunter2");
  });

  test("its URL from the environment", () => {
    expect(loadConfig("database: { urlEnv: GOOD }", file, env).database).toEqual({ url: "postgresql://db/x" });
  });
});

test("two services of one name, and a lease that nobody could use", () => {
  expect(problems("services: [{ name: a }, { name: a }]\nlease: { max: 0s }\n")).toEqual([
    "1:33 services[1].name: another service has the same name",
    "2:15 lease.max: must be longer than 0s",
  ]);
});

test("the file is YAML as policies are: no aliases, no second meaning", () => {
  expect(problems("gate: &a { name: x }\nlease: *a\n")).toHaveLength(2);
  expect(problems("gate: { name: a, name: b }\n")).toEqual([expect.stringContaining("stands here twice")]);
  expect(problems("__proto__: { name: a }\nconstructor: 1\n")).toHaveLength(2);
});

test("a file that is not there, and one that is", () => {
  const folder = mkdtempSync(join(tmpdir(), "plangate-config-"));
  try {
    const path = join(folder, "plangate.yaml");
    expect(errorOf(() => loadConfigFile(path, {})).message).toBe(
      `The configuration is not valid: ${path}:1:1: there is no such file or directory`,
    );
    writeFileSync(path, "gate: { name: here }\n");
    expect(loadConfigFile(path, {})).toMatchObject({ gate: { name: "here", dataDir: join(folder, ".plangate") } });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("what the admission webhook is told", () => {
  test("environments, exemptions, controllers", () => {
    const text = `admission:
  environments: [{ name: production }, { name: staging, enforcement: warn }]
  exempt: [{ reason: nightly backups, kinds: [CronJob], names: ["backup-*"] }]
  controllers: [{ user: "system:serviceaccount:argo-rollouts:argo-rollouts", kinds: [ReplicaSet] }]
  sidecars: ["registry.example/proxy@sha256:*"]
  rollbacks: deny
  spoolDirectory: /var/spool/plangate
`;
    expect(loadConfig(text, file, {}).admission).toEqual({
      environments: new Map([
        ["production", "deny"],
        ["staging", "warn"],
      ]),
      exempt: [
        {
          reason: "nightly backups",
          environments: null,
          namespaces: null,
          kinds: ["CronJob"],
          names: ["backup-*"],
          users: null,
          images: null,
        },
      ],
      controllers: [{ user: "system:serviceaccount:argo-rollouts:argo-rollouts", kinds: ["ReplicaSet"] }],
      sidecars: ["registry.example/proxy@sha256:*"],
      rollbacks: "deny",
      spoolDirectory: "/var/spool/plangate",
    });
  });

  test("what is misspelt, and labels that would exempt, are refused", () => {
    const text = `admission:
  environments: [{ name: production, enforcement: audit }]
  exempt: [{ reason: x, kinds: [Jobs] }, { names: ["a*"] }]
  labels: [plangate.dev/exempt]
`;
    expect(problems(text)).toEqual([
      '2:51 admission.environments[0].enforcement: expected one of deny, warn, dryrun, got "audit"',
      '3:33 admission.exempt[0].kinds[0]: expected one of CronJob, DaemonSet, Deployment, Job, Pod, PodTemplate, ReplicaSet, ReplicationController, Rollout, StatefulSet, got "Jobs"; did you mean "Job"?',
      "3:42 admission.exempt[1].reason: the key is missing; expected text",
      "4:3 admission.labels: unknown key; allowed: environments, exempt, controllers, sidecars, rollbacks, spoolDirectory",
    ]);
  });

  test("what would open the gate further than it seems is refused", () => {
    const text = `admission:
  environments: [{ name: production }, { name: production }]
  exempt: [{ reason: all of it, environments: [production] }]
  controllers: [{ user: "system:serviceaccount:*" }]
`;
    expect(problems(text)).toEqual([
      "2:48 admission.environments[1].name: another environment has the same name",
      "3:12 admission.exempt[0]: would exempt everything; add at least one of namespaces, kinds, names, users, images",
      "4:25 admission.controllers[0].user: must be one user, without wildcards",
    ]);
  });
});

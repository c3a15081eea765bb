import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConfigError, loadConfig } from "../../src/adapters/config/config.ts";
import { cli } from "../cli/run.ts";
import { releaseKey, textOf } from "./world.ts";

const secret = textOf(releaseKey);
const env = {
  A: secret,
  B: "a text of sixteen bytes or more",
  SAME: secret,
  EMPTY: "",
  SHORT: "hunter2",
  BROKEN: "whsec_§§§§§§§§§§",
};

const load = (callers: string, more = "") => loadConfig(`callers:\n${callers}\n${more}`, "/srv/plangate.yaml", env);
const problems = (callers: string, more = "") => {
  try {
    load(callers, more);
  } catch (error) {
    return (error as ConfigError).issues.map(({ key, message }) => `${key}: ${message}`);
  }
  return [];
};
const entry = (proof: string, rest = "") =>
  `  - { name: ci, services: ["*"], environments: [prod*], may: [request], ${proof}${rest} }`;
const github = "https://token.actions.githubusercontent.com";

test("everything that can be set", () => {
  const text = `
  - name: orders-pipeline
    secrets: [A, B]
    services: [orders, billing-*]
    environments: [production]
    databases: [orders-production]
    may: [request, read]
    rateLimit: 60/m
  - name: github
    oidc:
      issuer: ${github}
      audience: plangate
      claims: { repository_id: 74, ref: [refs/heads/main, refs/heads/hotfix], ref_protected: true }
      body: { commit: sha, environment: false, requestedBy: actor }
    services: ["*"]
    environments: ["*"]
    may: [request, vouch-approvals, push-evidence]`;
  expect(
    load(text, "listen: { api: { address: 0.0.0.0, port: 8080 }, metrics: { address: 10.0.0.7, port: 9090 } }"),
  ).toMatchObject({
    listen: { api: { address: "0.0.0.0" }, metrics: { address: "10.0.0.7" } },
    callers: [
      {
        name: "orders-pipeline",
        may: new Set(["request", "read"]),
        services: ["orders", "billing-*"],
        environments: ["production"],
        databases: ["orders-production"],
        rateLimit: { count: 60, perMs: 60_000 },
        proof: { kind: "secrets", keys: [releaseKey, Buffer.from(env.B)] },
      },
      {
        name: "github",
        databases: ["*"],
        rateLimit: null,
        proof: {
          kind: "oidc",
          oidc: {
            issuer: github,
            audience: "plangate",
            jwksUrl: null,
            claims: new Map([
              ["repository_id", ["74"]],
              ["ref", ["refs/heads/main", "refs/heads/hotfix"]],
              ["ref_protected", ["true"]],
            ]),
            body: new Map<string, string | false>([
              ["environment", false],
              ["commit", "sha"],
              ["requestedBy", "actor"],
            ]),
          },
        },
      },
    ],
  });
});

describe("secrets", () => {
  test.each([
    ["MISSING", "the environment variable MISSING is not set"],
    ["constructor", "the environment variable constructor is not set"],
    ["EMPTY", "the environment variable EMPTY is empty"],
    ["SHORT", "the environment variable SHORT is shorter than 16 bytes"],
    ["BROKEN", "the environment variable BROKEN is not base64 after whsec_"],
  ])("%s refused at boot", (name, message) => {
    const found = problems(entry(`secrets: [A, ${name}]`));
    expect(found).toEqual([expect.stringContaining(`callers[0].secrets[1]: ${message}`)]);
    expect(found.join()).not.toMatch(/hunter2|§/);
  });

  test("a secret with the line break of its file", () => {
    const text = `callers:\n${entry("secrets: [LINE]")}`;
    expect(() => loadConfig(text, "/srv/plangate.yaml", { LINE: `${secret}\n` })).toThrow("take the line break out");
  });

  test("one secret of two callers", () => {
    const second = entry("secrets: [SAME]").replace("name: ci", "name: cd");
    expect(problems(`${entry("secrets: [A]")}\n${second}`)).toEqual([
      "callers[1].secrets[0]: the secret in SAME is also one of ci",
    ]);
  });
});

describe("OIDC", () => {
  const oidc = (issuer: string, claims: string, rest = "") =>
    entry(`oidc: { issuer: "${issuer}", audience: plangate, claims: ${claims}${rest} }`);
  test.each([
    ["http://issuer.example.com", "must begin with https://"],
    ["http://169.254.169.254", "must begin with https://"],
    ["http://localhost.evil.example", "must begin with https://"],
    ["file:///etc/passwd", "must begin with https://"],
    ["https://user:hunter2@issuer.example.com", "must not hold a user or password"],
    ["https://issuer.example.com?x=1", "must not have a query or a fragment"],
    ["issuer.example.com", "is not a URL"],
  ])("issuer %s", (issuer, message) => {
    expect(problems(oidc(issuer, "{ a: b }"))).toEqual([expect.stringContaining(`callers[0].oidc.issuer: ${message}`)]);
    const asKeys = oidc("https://issuer.example.com", "{ a: b }", `, jwksUrl: "${issuer}"`);
    if (!issuer.includes("?")) expect(problems(asKeys)).toEqual([expect.stringContaining("oidc.jwksUrl")]);
  });

  test("claims that anyone's token has", () => {
    expect(problems(oidc("https://issuer.example.com", "{}"))).toEqual([expect.stringContaining("names no claim")]);
    for (const claims of ["{ environment: production }", "{ job_workflow_ref: a/b/c.yml@main }"]) {
      expect(problems(oidc(github, claims))).toEqual([expect.stringContaining("anyone can get a token")]);
    }
    expect(problems(oidc("https://gitlab.com", "{ ref_protected: true }"))).toHaveLength(1);
    expect(problems(oidc("https://gitlab.com", "{ project_id: 7 }"))).toEqual([]);
  });
});

test.each([
  [
    entry("secrets: [A], oidc: { issuer: https://a.example, audience: a, claims: { a: b } }"),
    "set either `secrets` or `oidc`",
  ],
  [entry("rateLimit: 5/s"), "set either `secrets` or `oidc`"],
  [entry("secrets: []"), "at least 1"],
  [entry("secrets: [A]", ", rateLimit: 0/m"), "a rate is"],
  [entry("secrets: [A]", ", rateLimit: 60"), "a rate is"],
  [entry("secrets: [A]", ", admin: true"), "unknown key"],
  [entry("secrets: [A]").replace("[request]", "[requset]"), 'did you mean "request"'],
  [entry("secrets: [A]").replace("[request]", "[]"), "at least 1"],
  [entry("secrets: [A]").replace("[request]", "[vouch-approvals]"), "it needs request too"],
  [entry("secrets: [A]").replace('services: ["*"], ', ""), "services: the key is missing"],
  [entry("secrets: [A]").replace("name: ci", 'name: "a b"'), "a caller's name is"],
  [`${entry("secrets: [A]")}\n${entry("secrets: [B]")}`, "another caller has the same name"],
  ["  []", "at least 1"],
])("%s", (callers, message) => {
  expect(problems(callers)).toEqual([expect.stringContaining(message)]);
});

describe("plangate serve --check-config", () => {
  const folder = mkdtempSync(join(tmpdir(), "plangate-check-config-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const policies = join(__dirname, "../http/policies");
  writeFileSync(
    join(folder, "plangate.yaml"),
    `policies: { directory: ${policies} }\ncallers:\n${entry("secrets: [A]")}\n`,
  );

  test("valid: 0, and nothing is started", async () => {
    const result = await cli(["serve", "--check-config"], { cwd: folder, env });
    expect(result).toEqual({
      code: 0,
      stdout: "The configuration is valid. Policies: deploys, reviewed-schema. Nothing was started.\n",
      stderr: "",
    });
  });

  test("a missing secret, or broken policies: 1", async () => {
    const noSecret = await cli(["serve", "--check-config"], { cwd: folder, env: {} });
    expect(noSecret).toMatchObject({ code: 1, stderr: expect.stringContaining("variable A is not set") });
    writeFileSync(join(folder, "broken.yaml"), "version: 1\n");
    const broken = await cli(["serve", "--check-config", "--policies", folder], { cwd: folder, env });
    expect(broken).toMatchObject({ code: 1, stdout: "" });
  });
});

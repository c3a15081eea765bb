import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, loadConfig } from "../../src/adapters/config/config.ts";
import { ecKeys, pem, rsaKeys } from "./forge.ts";

/** `approvers`, `overrides`, `approvals` and `revoked` of plangate.yaml. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "plangate-approvers-"));
  const { publicKey, privateKey } = ecKeys();
  writeFileSync(join(folder, "a.pem"), pem(publicKey));
  writeFileSync(join(folder, "same-as-a.pem"), pem(publicKey));
  writeFileSync(join(folder, "b.pem"), pem(ecKeys().publicKey));
  writeFileSync(join(folder, "rsa.pem"), pem(rsaKeys().publicKey));
  writeFileSync(join(folder, "private.pem"), String(privateKey.export({ type: "pkcs8", format: "pem" })));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (yaml: string) => loadConfig(yaml, join(folder, "plangate.yaml"), {}).approvers;

function problems(yaml: string): string[] {
  try {
    load(yaml);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.issues.map(({ line, column, key, message }) => `${line}:${column} ${key}: ${message}`);
  }
  throw new Error("it loaded");
}

it("everything that can be set", () => {
  const approvers = load(`
gate: { name: orders-gate }
approvers:
  - { subject: dba@example.com, kid: dba-2026, algorithm: ES256, publicKeyFile: a.pem, mayApprove: true, mayWaive: [change-window],
      environments: ["prod*"], aliases: [octo-dba] }
  - { subject: dba@example.com, issuer: https://kms.example.com, kid: dba-hsm, algorithm: PS256, publicKeyFile: rsa.pem }
  - { subject: lead@example.com, kid: lead, algorithm: ES256, jwksUrl: "https://keys.example.com/approvers" }
overrides: { maxTtl: 10m, quorum: { index-usage: 2 } }
approvals: { maxTtl: 2d }
revoked: { jtis: [ovr_1], kids: [dba-2025], subjects: [Gone@example.com] }
`);
  const withoutKeys = [...approvers.byKid.values()].map(({ key: _key, ...rest }) => rest);
  expect({ ...approvers, byKid: withoutKeys }).toEqual({
    audience: "orders-gate",
    byKid: [
      {
        subject: "dba@example.com",
        issuer: "dba@example.com",
        kid: "dba-2026",
        algorithm: "ES256",
        mayWaive: new Set(["change-window"]),
        mayApprove: true,
        environments: ["prod*"],
        aliases: ["octo-dba"],
      },
      {
        subject: "dba@example.com",
        issuer: "https://kms.example.com",
        kid: "dba-hsm",
        algorithm: "PS256",
        mayWaive: new Set(),
        mayApprove: false,
        environments: null,
        aliases: [],
      },
      {
        subject: "lead@example.com",
        issuer: "lead@example.com",
        kid: "lead",
        algorithm: "ES256",
        mayWaive: new Set(),
        mayApprove: false,
        environments: null,
        aliases: [],
      },
    ],
    quorum: new Map([["index-usage", 2]]),
    maxTtlMs: { override: 600_000, approval: 172_800_000 },
    revoked: { jtis: new Set(["ovr_1"]), kids: new Set(["dba-2025"]), subjects: new Set(["gone@example.com"]) },
  });
  expect(approvers.byKid.get("lead")?.key).toEqual({ kind: "url", jwksUrl: "https://keys.example.com/approvers" });
});

const entry = (changes: string, subject = "dba@example.com", kid = "dba-2026", file = "a.pem") =>
  `  - { subject: ${subject}, kid: ${kid}, algorithm: ES256, publicKeyFile: ${file}${changes} }\n`;

const byUrl = (url: string) => entry("").replace("publicKeyFile: a.pem", `jwksUrl: "${url}"`);

it.each([
  [
    "a key file that is not there",
    entry("", "dba", "k", "none.pem"),
    /2:\d+ approvers\[0\].publicKeyFile: none.pem: there is no such file/,
  ],
  ["a private key", entry("", "dba", "k", "private.pem"), /private.pem: holds a private key/],
  [
    "a key that the algorithm does not fit",
    entry("", "dba", "k", "rsa.pem"),
    /rsa.pem: is an RSA key of 2048 bits; ES256 needs an EC key/,
  ],
  ["HS256", entry("").replace("ES256", "HS256"), /algorithm: expected one of ES256, PS256, RS256, got "HS256"/],
  [
    "a key by file and by URL",
    entry(", jwksUrl: https://example.com/jwks"),
    /2:\d+ approvers\[0\]: set either `publicKeyFile` or `jwksUrl`/,
  ],
  ["no key at all", entry("").replace(", publicKeyFile: a.pem", ""), /set either `publicKeyFile` or `jwksUrl`/],
  ["keys by plain http", byUrl("http://keys.example.com/jwks"), /jwksUrl: must begin with https/],
  ["keys at a metadata service", byUrl("https://169.254.169.254/jwks"), /jwksUrl: must not be a link-local address/],
  ["keys behind a password", byUrl("https://u:p@keys.example.com/jwks"), /jwksUrl: must not hold a user or password/],
  ["unmatched", entry(", mayWaive: [unmatched]"), /mayWaive\[0\]: unmatched cannot be waived/],
  [
    "a wildcard",
    entry(', mayWaive: ["*"]'),
    /mayWaive\[0\]: wildcards are not allowed; write out each of change-window/,
  ],
  [
    "a rule that does not exist",
    entry(", mayWaive: [change-windw]"),
    /mayWaive\[0\]: unknown rule; did you mean "change-window"\?/,
  ],
  ["a prototype's name as a rule", entry(", mayWaive: [constructor]"), /unknown rule/],
  ["no environments", entry(", environments: []"), /environments: expected at least 1 entry/],
  ["an unknown key", entry(", mayWave: [freeze]"), /mayWave: unknown key; did you mean "mayWaive"\?/],
  ["an empty subject", entry("", '""'), /subject: /],
  [
    "the same kid twice",
    entry("") + entry("", "other", "dba-2026", "b.pem"),
    /3:\d+ approvers\[1\].kid: another key has the same kid/,
  ],
  [
    "the same key twice: one human with two identities",
    entry("") + entry("", "other", "k2", "same-as-a.pem"),
    /is the same key as that of dba-2026/,
  ],
  [
    "one human in two spellings",
    entry("") + entry("", "DBA@example.com", "k2", "b.pem"),
    /is the same human as dba@example.com; write the name the same way/,
  ],
  [
    "one human under an alias",
    entry(", aliases: [octo-dba]") + entry("", "Octo-DBA", "k2", "b.pem"),
    /shares a name with dba@example.com/,
  ],
])("%s", (_name, yaml, problem) => expect(problems(`approvers:\n${yaml}`)).toEqual([expect.stringMatching(problem)]));

it.each([
  [
    "overrides: { quorum: { change-windw: 2 } }",
    /overrides.quorum.change-windw: unknown key; did you mean "change-window"/,
  ],
  ["overrides: { quorum: { unmatched: 2 } }", /quorum.unmatched: unknown key/],
  ["overrides: { quorum: { freeze: 0 } }", /quorum.freeze: expected at least 1/],
  ["overrides: { quorum: { __proto__: 2 } }", /__proto__/],
  ["overrides: { maxTtl: 25h }", /overrides.maxTtl: must be from 1s to 24h/],
  ["overrides: { maxTtl: 0s }", /overrides.maxTtl: must be from 1s/],
  ["approvals: { maxTtl: 31d }", /approvals.maxTtl: must be from 1s to 30d/],
  ["revoked: { jti: [a] }", /revoked.jti: unknown key; did you mean "jtis"\?/],
  ["revoked: [a]", /revoked: expected a mapping/],
  ['revoked: { jtis: ["a b"] }', /revoked.jtis\[0\]: a jti is/],
])("%s", (yaml, problem) => expect(problems(yaml)).toEqual([expect.stringMatching(problem)]));

import { z } from "zod";
import { permissions } from "../../app/caller.ts";
import type { DocumentPath } from "../../core/policy/yaml-document.ts";
import { displayableName } from "../../core/values.ts";
import { bindableFields, type CallerConfig, type OidcConfig, type RateLimit } from "../callers/caller-config.ts";
import { parseSecret } from "../callers/secret.ts";
import { keysUrlProblem } from "../outgoing/url-problem.ts";

const callerNameForm = 'a caller\'s name is 1 to 100 letters, digits, ".", "_" and "-"';
const rateForm = 'a rate is a number of requests and a time: "10/s", "60/m" or "500/h"';
const globs = z.array(displayableName.min(1).max(200)).min(1);
const claimName = z.string().min(1).max(200);
const claimValue = z.union([z.string().min(1), z.number(), z.boolean()]);

const oidcSchema = z.strictObject({
  issuer: z
    .string()
    .describe("URL of the issuer, exactly as `iss` has it: https://token.actions.githubusercontent.com."),
  audience: z.string().min(1).describe("The audience that pipelines ask for; a token for any other is refused."),
  claims: z
    .record(claimName, z.union([claimValue, z.array(claimValue).min(1)]))
    .describe("Claims that the token must have: a value, or a list of allowed ones. Compared exactly, as text."),
  body: z
    .partialRecord(z.enum(bindableFields), z.union([claimName, z.literal(false)]))
    .default({})
    .describe(
      "Claims that fields of the request must equal: { commit: sha }. `environment` is bound to the token's, where it has one, unless it is false; `requestedBy` to actor, user_login or sub.",
    ),
  jwksUrl: z
    .string()
    .optional()
    .describe("URL of the issuer's keys. Absent: found by discovery, on the issuer's host."),
});

export const callersSchema = z
  .array(
    z.strictObject({
      name: z
        .string(callerNameForm)
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, callerNameForm)
        .describe("The caller, as decisions and logs name it."),
      secrets: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe("Environment variables with Standard Webhooks secrets (whsec_…, or any text). Several: rotation."),
      oidc: oidcSchema.optional().describe("OIDC tokens, in place of secrets."),
      services: globs.describe('Globs of the services that it may ask about; ["*"]: all.'),
      environments: globs.describe('Globs of the environments that it may ask about; ["*"]: all.'),
      databases: globs
        .default(["*"])
        .describe("Globs of the databases whose evidence it may push and read. Absent: all."),
      may: z.array(z.enum(permissions)).min(1).describe("What it may do."),
      rateLimit: z
        .string(rateForm)
        .regex(/^[1-9][0-9]{0,5}\/[smh]$/, rateForm)
        .optional()
        .describe("Requests that it may send in a time, to each gate. Absent: no limit."),
    }),
  )
  .min(1)
  .optional()
  .describe("Who may ask. Absent: anyone on this machine, and the gate listens on loopback only.");

type Given = NonNullable<z.output<typeof callersSchema>>[number];
type Report = (at: DocumentPath, message: string) => void;

/** null: nobody authenticates. `env: null`: secrets are not needed, and not looked up. Messages never hold a secret. */
export function callersOf(
  given: z.output<typeof callersSchema>,
  env: NodeJS.ProcessEnv | null,
  report: Report,
): CallerConfig[] | null {
  if (given === undefined) return null;
  const known: { key: Buffer; caller: string }[] = [];
  return given.map((caller, index) => {
    const at = ["callers", index];
    const { name, services, environments, databases, may, rateLimit } = caller;
    if (given.findIndex((other) => other.name === name) !== index) {
      report([...at, "name"], "another caller has the same name");
    }
    if (may.includes("vouch-approvals") && !may.includes("request")) {
      report([...at, "may"], "vouch-approvals is about requests: it needs request too");
    }
    return {
      name,
      may: new Set(may),
      services,
      environments,
      databases,
      rateLimit: rateLimit === undefined ? null : rateOf(rateLimit),
      proof: proofOf(caller, at, given, known, env, report),
    };
  });
}

function proofOf(
  { name, secrets, oidc }: Given,
  at: DocumentPath,
  all: readonly Given[],
  known: { key: Buffer; caller: string }[],
  env: NodeJS.ProcessEnv | null,
  report: Report,
): CallerConfig["proof"] {
  if ((secrets === undefined) === (oidc === undefined)) report(at, "set either `secrets` or `oidc`");
  if (oidc !== undefined) return { kind: "oidc", oidc: oidcOf(oidc, [...at, "oidc"], all, report) };
  const keys: Buffer[] = [];
  for (const [position, variable] of (secrets ?? []).entries()) {
    if (env === null) continue;
    const place = [...at, "secrets", position];
    // A name such as "constructor" finds what every object has.
    const text: unknown = env[variable];
    const key = typeof text === "string" ? parseSecret(text) : "is not set";
    if (typeof key === "string") {
      report(place, `the environment variable ${variable} ${key}`);
      continue;
    }
    const twin = known.find((other) => other.key.equals(key));
    if (twin !== undefined) report(place, `the secret in ${variable} is also one of ${twin.caller}`);
    known.push({ key, caller: name });
    keys.push(key);
  }
  return { kind: "secrets", keys };
}

function oidcOf(
  given: NonNullable<Given["oidc"]>,
  at: DocumentPath,
  all: readonly Given[],
  report: Report,
): OidcConfig {
  const { issuer, audience, jwksUrl = null, claims, body } = given;
  const issuerProblem = keysUrlProblem(issuer, "https://token.actions.githubusercontent.com");
  if (issuerProblem !== null) report([...at, "issuer"], issuerProblem);
  const keysProblem = jwksUrl === null ? null : keysUrlProblem(jwksUrl, `${issuer}/keys`);
  if (keysProblem !== null) report([...at, "jwksUrl"], keysProblem);
  if (all.some(({ oidc }) => oidc?.issuer === issuer && (oidc.jwksUrl ?? null) !== jwksUrl)) {
    report([...at, "jwksUrl"], "must be the same for every caller of this issuer");
  }
  const names = Object.keys(claims);
  const owners = ownerClaims.get(issuer);
  if (names.length === 0) {
    report([...at, "claims"], "names no claim: everyone who gets a token of this issuer would be this caller");
  } else if (owners !== undefined && !names.some((name) => owners.includes(name))) {
    report([...at, "claims"], `anyone can get a token of ${issuer}: name at least one of ${owners.join(", ")}`);
  }
  return {
    issuer,
    jwksUrl,
    audience,
    claims: new Map(Object.entries(claims).map(([name, value]) => [name, [value].flat().map(String)])),
    body: new Map(bindableFields.flatMap((field) => (body[field] === undefined ? [] : [[field, body[field]]]))),
  };
}

/** Claims that no stranger's token of a public issuer can have. `job_workflow_ref` is none: others may call a public workflow. */
const ownerClaims = new Map([
  [
    "https://token.actions.githubusercontent.com",
    ["repository_id", "repository_owner_id", "repository", "repository_owner", "enterprise_id", "workflow_ref", "sub"],
  ],
  ["https://gitlab.com", ["project_id", "namespace_id", "project_path", "namespace_path", "sub"]],
]);

function rateOf(text: string): RateLimit {
  const perMs = { s: 1_000, m: 60_000, h: 3_600_000 };
  const unit = text.slice(-1);
  return { count: Number(text.slice(0, -2)), perMs: unit === "s" || unit === "m" ? perMs[unit] : perMs.h };
}

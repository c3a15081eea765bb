import path from "node:path";
import { z } from "zod";
import { PlangateError } from "../../core/errors.ts";
import { personKey } from "../../core/person.ts";
import { didYouMean } from "../../core/policy/suggest.ts";
import type { DocumentPath } from "../../core/policy/yaml-document.ts";
import { rules as everyRule } from "../../core/rules/index.ts";
import { displayableName, duration } from "../../core/values.ts";
import {
  algorithmFor,
  fingerprintOf,
  keyId,
  parsePublicKey,
  type SignatureAlgorithm,
  signatureAlgorithms,
} from "../evidence-signature/keys.ts";
import { readFileBytes } from "../file-error.ts";
import { keysUrlProblem } from "../outgoing/url-problem.ts";
import { type Approver, type ApproverKey, type Approvers, type Revoked, tokenId } from "../tokens/approvers.ts";

const person = displayableName.max(200).refine((name) => name === name.trim() && personKey(name) !== "", {
  error: "must be a name, without space before and after it",
});
const ruleIds = [...everyRule.keys()];

/** `subject` is the human; everything else is about one of their keys. */
const approverSchema = z.strictObject({
  subject: person.describe("The human: the `sub` of the tokens. The same for every key of one human."),
  issuer: z.string().min(1).max(500).optional().describe("What the tokens' `iss` must be. Absent: the subject."),
  kid: keyId.describe("Key id: what tokens call the key. Never give it to another key."),
  algorithm: z
    .enum(signatureAlgorithms)
    .describe("ES256 for a P-256 key; PS256 or RS256 for an RSA key of at least 2048 bits."),
  publicKeyFile: z
    .string()
    .min(1)
    .optional()
    .describe("File of the public key in PEM form, relative to this file. It is read at the start."),
  jwksUrl: z
    .string()
    .min(1)
    .optional()
    .describe(
      "In place of `publicKeyFile`: https:// URL of a JWK Set that has the key under this `kid`. It is asked when a token of this key comes.",
    ),
  mayWaive: z
    .array(z.string())
    .default([])
    .describe("Ids of the rules that the key's overrides may waive, each written out."),
  mayApprove: z.boolean().default(false).describe("Do the key's approvals of query plans count?"),
  environments: z
    .array(displayableName.min(1).max(200))
    .min(1)
    .optional()
    .describe("Globs of the environments that the key may sign for. Absent: any."),
  aliases: z
    .array(person)
    .default([])
    .describe("Other names under which requests name this human, such as a login: nobody signs for their own request."),
});

export const approversSchema = z
  .array(approverSchema)
  .default([])
  .describe(
    "Who may approve query plans and override rules. Without approvers no signed approval and no override counts.",
  );

const people = z
  .number()
  .int()
  .min(1)
  .max(20)
  .optional()
  .describe("How many different people must sign an override of this rule, from 1 to 20. Absent: one.");
const quorumSchema = z
  .strictObject(Object.fromEntries(ruleIds.map((id) => [id, people])))
  .prefault({})
  .describe("Rule id → how many different people must sign an override for it. Absent: one.");

const longestOverrideMs = 24 * 3_600_000;
const longestApprovalMs = 30 * 24 * 3_600_000;

export const overridesSchema = z
  .strictObject({
    maxTtl: duration.prefault("15m").describe("The longest life of an override, from `iat` to `exp`; at most 24h."),
    quorum: quorumSchema,
  })
  .prefault({})
  .describe("Override tokens.");

export const approvalsSchema = z
  .strictObject({
    maxTtl: duration.prefault("7d").describe("The longest life of an approval, from `iat` to `exp`; at most 30d."),
  })
  .prefault({})
  .describe("Approval tokens.");

export const revokedSchema = z
  .strictObject({
    jtis: z.array(tokenId).default([]).describe("Tokens, by their `jti`."),
    kids: z.array(keyId).default([]).describe("Every token of a key."),
    subjects: z.array(person).default([]).describe("Every token of a human."),
  })
  .prefault({})
  .describe(
    "Approval and override tokens that must not count any more. Read again whenever this file changes; everything else needs a restart.",
  );

export interface ApproversFile {
  approvers: z.output<typeof approversSchema>;
  overrides: z.output<typeof overridesSchema>;
  approvals: z.output<typeof approvalsSchema>;
  revoked: z.output<typeof revokedSchema>;
}
type Entry = ApproversFile["approvers"][number];
type Report = (at: DocumentPath, message: string) => void;

/** Reads the key files. What is wrong is reported with its place; messages hold nothing of a key. */
export function approversOf(file: ApproversFile, audience: string, directory: string, report: Report): Approvers {
  const { overrides, approvals, revoked } = file;
  const byKid = new Map<string, Approver>();
  for (const [index, entry] of file.approvers.entries()) {
    const at = ["approvers", index] as const;
    checkRules(entry.mayWaive, [...at, "mayWaive"], report);
    checkPeople(entry, byKid, at, report);
    if (byKid.has(entry.kid)) report([...at, "kid"], "another key has the same kid");
    const key = keyOf(entry, directory, at, report);
    if (key === null) continue;
    if (key.kind === "fixed") checkTwins(key, byKid, at, report);
    byKid.set(entry.kid, {
      subject: entry.subject,
      issuer: entry.issuer ?? entry.subject,
      kid: entry.kid,
      algorithm: entry.algorithm,
      key,
      mayWaive: new Set(entry.mayWaive),
      mayApprove: entry.mayApprove,
      environments: entry.environments ?? null,
      aliases: entry.aliases,
    });
  }
  checkTtl(overrides.maxTtl, longestOverrideMs, "24h", ["overrides", "maxTtl"], report);
  checkTtl(approvals.maxTtl, longestApprovalMs, "30d", ["approvals", "maxTtl"], report);
  return {
    audience,
    byKid,
    quorum: new Map(Object.entries(overrides.quorum).flatMap(([rule, count]) => (count ? [[rule, count]] : []))),
    maxTtlMs: { override: overrides.maxTtl, approval: approvals.maxTtl },
    revoked: revokedOf(revoked),
  };
}

export function revokedOf({ jtis, kids, subjects }: z.output<typeof revokedSchema>): Revoked {
  return { jtis: new Set(jtis), kids: new Set(kids), subjects: new Set(subjects.map(personKey)) };
}

function checkRules(given: readonly string[], at: DocumentPath, report: Report): void {
  for (const [index, rule] of given.entries()) checkRule(rule, [...at, index], report);
}

function checkRule(rule: string, at: DocumentPath, report: Report): void {
  if (everyRule.has(rule)) return;
  if (rule === "unmatched") report(at, "unmatched cannot be waived: a policy has to say what is allowed");
  else if (/[*?]/.test(rule)) report(at, `wildcards are not allowed; write out each of ${ruleIds.join(", ")}`);
  else {
    const suggestion = didYouMean(rule, ruleIds);
    report(at, `unknown rule${suggestion === "" ? ";" : suggestion} rules: ${ruleIds.join(", ")}`);
  }
}

/** Two entries of one human must say so: quorum and self-approval go by the human. */
function checkPeople(
  { subject, aliases }: Entry,
  known: ReadonlyMap<string, Approver>,
  at: DocumentPath,
  report: Report,
): void {
  for (const other of known.values()) {
    if (other.subject === subject) continue;
    if (personKey(other.subject) === personKey(subject)) {
      report([...at, "subject"], `is the same human as ${other.subject}; write the name the same way`);
      continue;
    }
    const names = new Set([other.subject, ...other.aliases].map(personKey));
    if ([subject, ...aliases].some((name) => names.has(personKey(name)))) {
      report([...at, "subject"], `shares a name with ${other.subject}; give both entries the same subject`);
    }
  }
}

function keyOf(
  { publicKeyFile, jwksUrl, algorithm }: Entry,
  directory: string,
  at: DocumentPath,
  report: Report,
): Approver["key"] | null {
  if ((publicKeyFile === undefined) === (jwksUrl === undefined)) {
    report(at, "set either `publicKeyFile` or `jwksUrl`");
    return null;
  }
  if (jwksUrl !== undefined) {
    const problem = keysUrlProblem(jwksUrl, "https://keys.example.com/approvers.json");
    if (problem === null) return { kind: "url", jwksUrl };
    report([...at, "jwksUrl"], problem);
    return null;
  }
  if (publicKeyFile === undefined) return null;
  return readKey(publicKeyFile, algorithm, directory, [...at, "publicKeyFile"], report);
}

function readKey(
  file: string,
  algorithm: SignatureAlgorithm,
  directory: string,
  at: DocumentPath,
  report: Report,
): Approver["key"] | null {
  try {
    const pem = Buffer.from(readFileBytes(path.resolve(directory, file))).toString("utf8");
    const publicKey = parsePublicKey(pem);
    algorithmFor(publicKey, algorithm);
    return { kind: "fixed", publicKey, fingerprint: fingerprintOf(publicKey) };
  } catch (error) {
    if (!(error instanceof PlangateError)) throw error;
    report(at, `${file}: ${error.message}`);
    return null;
  }
}

function checkTwins(
  { fingerprint }: ApproverKey,
  known: ReadonlyMap<string, Approver>,
  at: DocumentPath,
  report: Report,
): void {
  const twin = [...known.values()].find(({ key }) => key.kind === "fixed" && key.fingerprint === fingerprint);
  if (twin !== undefined) report([...at, "publicKeyFile"], `is the same key as that of ${twin.kid}`);
}

function checkTtl(ms: number, longest: number, shown: string, at: DocumentPath, report: Report): void {
  if (ms < 1_000 || ms > longest) report(at, `must be from 1s to ${shown}`);
}

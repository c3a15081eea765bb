import { z } from "zod";
import { evidenceBundleSchema, type Trust, trustLevels } from "../evidence/bundle.ts";
import { deployRequestSchema, type ParsedRequest, parseDeployRequest } from "../request.ts";
import { instant, type SourceLocation } from "../values.ts";
import type { RuleRegistry } from "./bind-rules.ts";
import type { DocumentIssue, SourceFile } from "./document-error.ts";
import { parsePart } from "./schema-issues.ts";
import { didYouMean } from "./suggest.ts";
import { readYamlDocument, type YamlDocument } from "./yaml-document.ts";

/** The gate's own finding for a request that no policy matches; not a rule, but a test may expect it. */
const ownFindings = ["unmatched"];

const caseSchema = z
  .strictObject({
    name: z.string().min(1).max(300).describe("What the case shows, in a sentence."),
    at: instant.describe("The instant of the decision, with its offset: 2026-03-13T16:47:00-04:00"),
    request: deployRequestSchema.describe("The deploy request, as a pipeline would send it."),
    evidence: z
      .array(z.union([z.string().min(1), evidenceBundleSchema]))
      .optional()
      .describe("Evidence bundles, written out or as JSON files relative to this one."),
    evidenceTrust: z
      .enum(trustLevels)
      .default("asserted")
      .describe("The trust that the evidence has, for policies with `minTrust`."),
    expect: z.strictObject({
      decision: z.enum(["approved", "rejected"]),
      fails: z
        .array(z.string())
        .default([])
        .describe("Exactly the rules that fail or are inconclusive, whatever their enforcement."),
    }),
  })
  .describe("One request and the decision that it must get.");

/** A file of policy tests. */
export const policyTestFileSchema = z
  .strictObject({
    policies: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe("The policies under test, relative to this file. Absent: every policy of the directory."),
    cases: z.array(caseSchema).min(1),
  })
  .describe("Tests of plangate policies.");

export interface PolicyTestCase {
  name: string;
  location: SourceLocation;
  at: Date;
  parsed: ParsedRequest;
  /** In the order of the file. `raw` is a bundle's JSON value; `path` is as written. */
  evidence: readonly ({ raw: unknown } | { path: string; location: SourceLocation })[];
  evidenceTrust: Trust;
  expect: { decision: "approved" | "rejected"; fails: readonly string[] };
}

export interface PolicyTestFile {
  /** With the directory, for people. */
  path: string;
  policies: readonly { path: string; location: SourceLocation }[] | null;
  cases: readonly PolicyTestCase[];
}

/** `path`: what messages call the file. */
export function parsePolicyTestFile(
  file: SourceFile,
  path: string,
  registry: RuleRegistry,
): { test: PolicyTestFile | null; issues: DocumentIssue[] } {
  const { document, issues } = readYamlDocument({ ...file, path });
  if (document === null) return { test: null, issues };
  const parsed = parsePart(policyTestFileSchema, document, [], document.value);
  issues.push(...parsed.issues);
  if (parsed.data === null) return { test: null, issues };
  const { cases: parsedCases } = parsed.data;
  issues.push(
    ...unknownRules(parsedCases, document, registry),
    ...sameNames(parsedCases, document),
    ...tokens(parsedCases, document),
  );
  if (issues.length > 0) return { test: null, issues };
  // The schema accepted it, so the raw cases have the same form.
  const raw = (document.value as { cases: RawCase[] }).cases;
  const cases = parsedCases.flatMap((one, index) => {
    const rawCase = raw[index];
    return rawCase === undefined ? [] : [buildCase(one, rawCase, index, document)];
  });
  const policies = parsed.data.policies?.map((name, index) => ({
    path: name,
    location: document.locate(["policies", index], "value"),
  }));
  return { test: { path, policies: policies ?? null, cases }, issues };
}

interface RawCase {
  request: unknown;
  evidence?: unknown[];
}

type ParsedCase = z.output<typeof caseSchema>;

function buildCase(one: ParsedCase, raw: RawCase, index: number, document: YamlDocument): PolicyTestCase {
  return {
    name: one.name,
    location: document.locate(["cases", index, "name"], "value"),
    at: one.at,
    parsed: parseDeployRequest(raw.request),
    evidence: (raw.evidence ?? []).map((entry, position) =>
      typeof entry === "string"
        ? { path: entry, location: document.locate(["cases", index, "evidence", position], "value") }
        : { raw: entry },
    ),
    evidenceTrust: one.evidenceTrust,
    expect: one.expect,
  };
}

function unknownRules(cases: readonly ParsedCase[], document: YamlDocument, registry: RuleRegistry): DocumentIssue[] {
  const known = [...registry.keys(), ...ownFindings];
  return cases.flatMap(({ expect }, index) =>
    expect.fails.flatMap((id, position) => {
      if (known.includes(id)) return [];
      const hint = didYouMean(id, known);
      const message = `unknown rule${hint === "" ? ";" : hint} allowed: ${known.join(", ")}`;
      return [document.issue(["cases", index, "expect", "fails", position], "value", message)];
    }),
  );
}

function sameNames(cases: readonly ParsedCase[], document: YamlDocument): DocumentIssue[] {
  return cases.flatMap(({ name }, index) =>
    cases.findIndex((other) => other.name === name) === index
      ? []
      : [document.issue(["cases", index, "name"], "value", "another case of this file has the same name")],
  );
}

/** Nothing in a test can check a signature, and passing over a token would make the test say something else. */
function tokens(cases: readonly ParsedCase[], document: YamlDocument): DocumentIssue[] {
  return cases.flatMap(({ request }, index) => {
    const issueAt = (key: readonly (string | number)[], message: string) =>
      document.issue(["cases", index, "request", ...key], "value", message);
    return [
      ...(request.approvals ?? []).flatMap((approval, position) =>
        typeof approval === "string"
          ? [issueAt(["approvals", position], "signed approvals cannot be tested; write { by, of: query-plans }")]
          : [],
      ),
      ...((request.overrides ?? []).length > 0 ? [issueAt(["overrides"], "overrides cannot be tested")] : []),
    ];
  });
}

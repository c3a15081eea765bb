import type { Decision, Finding } from "../core/decision.ts";
import { digestOf } from "../core/digest.ts";
import type { SourceLocation } from "../core/values.ts";
import { printableLines } from "./printable.ts";

export interface SarifContext {
  toolVersion: string;
  /** Every rule that may have a result. */
  rules: readonly { id: string; summary: string; rationale: string }[];
  /** Where a policy stands, by id: the location of results that are about no line of a migration. */
  policyLocations: ReadonlyMap<string, SourceLocation>;
  /** Where a result goes that belongs to no migration and no policy: code hosts refuse files with results that have no location. */
  fallback: SourceLocation;
}

const levels = { deny: "error", warn: "warning", dryrun: "note" } as const;

/** SARIF 2.1.0 (OASIS) with one result per finding that is not a pass. A waived finding keeps its level and is marked as suppressed. */
export function formatSarif(decision: Decision, context: SarifContext): string {
  const failed = decision.findings.filter(({ outcome }) => outcome !== "pass");
  const ruleIds = [...new Set(failed.map(({ ruleId }) => ruleId))];
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "plangate",
            version: context.toolVersion,
            semanticVersion: context.toolVersion,
            rules: ruleIds.map((id) => ruleDescriptor(id, context)),
          },
        },
        automationDetails: {
          id: `plangate/${uriSegment(decision.service)}/${uriSegment(decision.environment)}/`,
        },
        invocations: [{ executionSuccessful: true, endTimeUtc: decision.evaluatedAt }],
        results: failed.map((finding) => result(finding, ruleIds.indexOf(finding.ruleId), context)),
        properties: {
          decision: decision.decision,
          decisionId: decision.id,
          requestDigest: decision.requestDigest,
          policyDigest: decision.policyDigest,
          window: decision.window,
          warnings: decision.warnings,
        },
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function ruleDescriptor(id: string, { rules }: SarifContext) {
  const rule = rules.find((known) => known.id === id);
  const summary = rule?.summary ?? `A requirement of the gate itself: ${id}.`;
  return {
    id,
    shortDescription: { text: summary },
    fullDescription: { text: summary },
    help: rule === undefined ? { text: summary } : { text: rule.rationale, markdown: rule.rationale },
    defaultConfiguration: { level: "error" },
  };
}

function result(finding: Finding, ruleIndex: number, context: SarifContext) {
  const location = finding.location ?? context.policyLocations.get(finding.policy ?? "") ?? context.fallback;
  return {
    ruleId: finding.ruleId,
    ruleIndex,
    level: levels[finding.enforcement],
    message: { text: plainMessage([finding.message, ...(finding.help === null ? [] : [finding.help])].join("\n\n")) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: artifactLocation(location.path),
          region: {
            startLine: Math.max(location.line, 1),
            ...(location.column === undefined ? {} : { startColumn: location.column }),
          },
        },
        logicalLocations: [{ fullyQualifiedName: finding.subject }],
      },
    ],
    partialFingerprints: { "plangateFinding/v1": fingerprint(finding, location.path) },
    ...(finding.waivedBy === null
      ? {}
      : {
          suppressions: [
            { kind: "external", status: "accepted", justification: `Waived by override ${finding.waivedBy}` },
          ],
        }),
    properties: {
      policy: finding.policy,
      outcome: finding.outcome,
      enforcement: finding.enforcement,
      subject: finding.subject,
    },
  };
}

/** The same finding after lines above it were added or removed. */
function fingerprint({ policy, ruleId, subject }: Finding, path: string): string {
  return digestOf({ policy, ruleId, subject, path });
}

/** A relative URI where the path is relative; `file:` otherwise. */
export function artifactLocation(path: string) {
  const segments = path
    .replaceAll("\\", "/")
    .replace(/^(\.\/+)+/, "")
    .split("/");
  const encoded = segments.map(uriSegment).join("/");
  if (encoded.startsWith("/")) return { uri: `file://${encoded}` };
  if (/^[A-Za-z]%3A\//.test(encoded)) return { uri: `file:///${encoded.replace("%3A", ":")}` };
  return { uri: encoded, uriBaseId: "%SRCROOT%" };
}

/** A message must not turn text from a request into a link (SARIF 2.1.0, 3.11.6) or into invisible characters. */
export function plainMessage(text: string): string {
  return printableLines(text).join("\n").replaceAll("](", "\\](");
}

/** Unpaired surrogates have no UTF-8 form, which encodeURIComponent answers with an exception. */
function uriSegment(text: string): string {
  return encodeURIComponent(text.replace(/\p{Cs}/gu, "\ufffd"));
}

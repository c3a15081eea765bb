import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadPolicyDirectory } from "../../src/adapters/policies/read-directory.ts";
import type { Finding } from "../../src/core/decision.ts";
import { type EvidenceBundle, evidenceBundleSchema, type PlanEvidence } from "../../src/core/evidence/bundle.ts";
import { parseQueryPlan } from "../../src/core/query-plan/parse.ts";
import { nodesOf } from "../../src/core/query-plan/query-plan.ts";
import { cli } from "../cli/run.ts";
import { decideAsked } from "../support/decide.ts";

export interface Explained {
  code: number;
  stdout: string;
  stderr: string;
  /** Only where one was written. */
  bundle: EvidenceBundle;
  raw: unknown;
}

export interface Files {
  migration: string;
  /** Texts for --query. */
  queries?: readonly string[];
}

/** Runs `plangate evidence explain` in `folder`, on files that hold these texts. */
export async function explain(folder: string, args: readonly string[], files: Files): Promise<Explained> {
  writeFileSync(join(folder, "migration.sql"), files.migration);
  const queries = (files.queries ?? []).flatMap((text, index) => {
    writeFileSync(join(folder, `query-${index}.sql`), text);
    return ["--query", `query-${index}.sql`];
  });
  const command = ["evidence", "explain", ...args, "--migration", "migration.sql", ...queries];
  const result = await cli(command, { cwd: folder, now: new Date().toISOString() });
  const raw: unknown = result.stdout === "" ? null : JSON.parse(result.stdout);
  return { ...result, raw, bundle: raw === null ? noBundle : evidenceBundleSchema.parse(raw) };
}

const noBundle: EvidenceBundle = {
  version: 1,
  capturedAt: new Date(0),
  server: { name: "none was written", role: "replica" },
};

/** What the rule replica-explain makes of the bundle. */
export async function judged({ raw }: Explained, folder: string): Promise<Finding[]> {
  const sql = readFileSync(join(folder, "migration.sql"), "utf8");
  const request = {
    service: "orders",
    environment: "production",
    migrations: [{ path: "migration.sql", sql }],
  };
  const policySet = await loadPolicyDirectory(join(__dirname, "policies"));
  const { findings } = decideAsked({ policySet, request, evidence: raw, at: new Date().toISOString() });
  return findings.filter(({ ruleId }) => ruleId === "replica-explain");
}

/** Plans as lines: "before generic: Limit, Index Scan using idx_orders_total". */
export function planLines({ plans }: EvidenceBundle, text = ""): string[] {
  return (plans ?? [])
    .filter(({ query }) => query.includes(text))
    .map((record) => {
      const nodes = [...nodesOf(parseQueryPlan(record.plan).root)];
      const names = nodes.map(({ nodeType, index }) => (index === null ? nodeType : `${nodeType} using ${index}`));
      return `${record.phase} ${variant(record)}: ${names.join(", ")}`;
    });
}

function variant({ parameters, note }: PlanEvidence): string {
  if (JSON.stringify(parameters)?.includes("as written")) return "as written";
  if (parameters != null) return /with (\w+) values/.exec(note ?? "")?.[1] ?? "?";
  return note?.startsWith("Generic") ? "generic" : "without parameters";
}

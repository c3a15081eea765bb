import path from "node:path";
import type { Command } from "commander";
import { collectEvidence } from "../../adapters/collect/collect-evidence.ts";
import { type ExplainResult, explainMigrations } from "../../adapters/explain/explain.ts";
import { readTextFile } from "../../adapters/input-files.ts";
import { writeWhole } from "../../adapters/output-file.ts";
import { parseServerAddress } from "../../adapters/servers/server-address.ts";
import { PlangateError } from "../../core/errors.ts";
import { parseEvidence, type TrustedBundle } from "../../core/evidence/bundle.ts";
import { parseJson } from "../../core/json.ts";
import { loadGrammar } from "../../core/sql/grammar.ts";
import { displayName } from "../../core/values.ts";
import { paragraph } from "../../output/printable.ts";
import { type EvidenceExplainOptions, evidenceExplainCommand } from "./evidence-explain-options.ts";
import type { CommandIo } from "./io.ts";
import { readMigrations } from "./migration-files.ts";

export function buildEvidenceExplain(io: CommandIo): Command {
  return evidenceExplainCommand(io).action((options: EvidenceExplainOptions) => run(options, io));
}

async function run(options: EvidenceExplainOptions, io: CommandIo): Promise<void> {
  if (options.migration.length === 0) {
    throw new PlangateError("bad-arguments", "no migration is named; give --migration FILE");
  }
  await loadGrammar();
  const { values } = options;
  const timeouts = { connect: Math.min(10_000, options.timeout), statement: options.timeout, lock: 5_000 };
  const result = await explainMigrations({
    replica: parseServerAddress(options.replica, io.env),
    clone: options.clone === undefined ? null : parseServerAddress(options.clone, io.env, "clone"),
    source: options.source,
    migrations: await readMigrations(options.migration, io),
    format: options.migrationFormat,
    queries: await Promise.all(options.query.map(async (name) => ({ name, text: await readTextFile(name, io.cwd) }))),
    evidence: await readEvidence(options.evidence, io),
    coverage: options.coverage,
    analyze: options.analyze ?? false,
    values,
    timeouts,
    migrationTimeout: options.migrationTimeout,
    now: io.now,
    collect: (server) => collectEvidence(server, { values, timeouts }),
  });
  const text = `${JSON.stringify(result.bundle, null, 2)}\n`;
  if (options.out === undefined) io.stdout(text);
  else await writeWhole(path.resolve(io.cwd, options.out), text);
  for (const line of summary(result)) io.stderr(`plangate: ${paragraph(line)}\n`);
}

async function readEvidence(files: readonly string[], io: CommandIo): Promise<TrustedBundle[]> {
  const bundles: TrustedBundle[] = [];
  for (const name of files) {
    const json = parseJson(await readTextFile(name, io.cwd), name);
    bundles.push(...parseEvidence(json, name, "asserted"));
  }
  return bundles;
}

function summary({ workload, plans, missing, remarks }: ExplainResult): string[] {
  const tables = workload.tables.map(displayName).join(", ");
  const what =
    workload.tables.length === 0
      ? "The migration takes nothing away that a query plan may need; no query is affected."
      : `Affected queries that read ${tables}: ${workload.chosen.length}. Plans before: ${plans.before}, after: ${plans.after}.`;
  return [
    what,
    ...remarks,
    ...missing.map(({ query, phase, reason }) => `missing${phase == null ? "" : ` (${phase})`}: ${reason}: ${query}`),
  ];
}

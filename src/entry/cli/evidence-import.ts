import path from "node:path";
import type { Command } from "commander";
import { readTextFile } from "../../adapters/input-files.ts";
import { writeWhole } from "../../adapters/output-file.ts";
import { PlangateError } from "../../core/errors.ts";
import type { EvidenceBundle } from "../../core/evidence/bundle.ts";
import { type ImportedQuery, type ImportFile, importBundle } from "../../core/evidence/import/import-bundle.ts";
import { migrationsDigest } from "../../core/request.ts";
import { loadGrammar } from "../../core/sql/grammar.ts";
import { type EvidenceImportOptions, evidenceImportCommand } from "./evidence-import-options.ts";
import type { CommandIo } from "./io.ts";
import { readMigrations } from "./migration-files.ts";

export function buildEvidenceImport(io: CommandIo): Command {
  return evidenceImportCommand(io).action((options: EvidenceImportOptions) => run(options, io));
}

async function run(options: EvidenceImportOptions, io: CommandIo): Promise<void> {
  refuseContradictions(options);
  await loadGrammar();
  const read = (names: readonly string[]): Promise<ImportFile[]> =>
    Promise.all(names.map(async (name) => ({ name, text: await readTextFile(name, io.cwd) })));
  const migrations = await readMigrations(options.migration, io);
  const bundle = importBundle({
    server: {
      name: options.server,
      role: options.role,
      database: options.database ?? null,
      systemIdentifier: options.systemIdentifier ?? null,
      serverVersion: options.serverVersion ?? null,
      standbys: options.standbys ?? null,
    },
    capturedAt: options.capturedAt,
    windowStart: options.windowStart ?? null,
    schema: options.schema ?? null,
    table: options.table ?? null,
    usage: await read(options.usage),
    indexes: await read(options.indexes),
    rows: options.rows.map((row) => ({ ...row, schema: row.schema || (options.schema ?? "public") })),
    queries: pair(await read(options.query), await read(options.before), await read(options.after)),
    migrationsDigest: migrations.length === 0 ? null : migrationsDigest({ migrations }),
    afterMethod: options.afterMethod ?? null,
    note: options.note ?? null,
  });
  const text = `${JSON.stringify(bundle, withoutNulls, 2)}\n`;
  if (options.out === undefined) io.stdout(text);
  else await writeWhole(path.resolve(io.cwd, options.out), text);
  for (const line of remarks(bundle, options)) io.stderr(`plangate: ${line}\n`);
}

function refuseContradictions({
  usage,
  indexes,
  rows,
  query,
  before,
  after,
  migration,
  windowStart,
  capturedAt,
}: EvidenceImportOptions): void {
  const refuse = (message: string): never => {
    throw new PlangateError("bad-arguments", message);
  };
  if (usage.length + indexes.length + rows.length + query.length === 0) {
    refuse("nothing to import; give --usage, --indexes, --rows, or --query with --before and --after");
  }
  for (const [option, files] of [
    ["--before", before],
    ["--after", after],
  ] as const) {
    if (files.length !== 0 && files.length !== query.length) {
      refuse(`${files.length} ${option} for ${query.length} --query: give one for each query, in the same order`);
    }
  }
  if (query.length > 0 && before.length + after.length === 0)
    refuse("--query needs its plans: --before, --after or both");
  if (after.length > 0 && migration.length === 0)
    refuse("--after needs --migration: an after plan counts for those migrations only");
  if (windowStart !== undefined && windowStart > capturedAt) refuse("--window-start is after --captured-at");
}

function pair(
  queries: readonly ImportFile[],
  before: readonly ImportFile[],
  after: readonly ImportFile[],
): ImportedQuery[] {
  return queries.map((query, index) => ({ query, before: before[index] ?? null, after: after[index] ?? null }));
}

function withoutNulls(_key: string, value: unknown): unknown {
  return value === null ? undefined : value;
}

function remarks(
  { indexUsage, catalog, plans }: EvidenceBundle,
  { out, windowStart }: EvidenceImportOptions,
): string[] {
  const contents = [
    `${indexUsage?.rows.length ?? 0} index usage rows`,
    `${catalog?.indexes?.length ?? 0} index definitions`,
    `${plans?.length ?? 0} query plans`,
  ].join(", ");
  return [
    ...(out === undefined ? [] : [`wrote ${out}: ${contents}`]),
    ...(indexUsage != null && windowStart === undefined
      ? ["without --window-start nobody knows how long these counters have counted, and index-usage will not pass"]
      : []),
  ];
}

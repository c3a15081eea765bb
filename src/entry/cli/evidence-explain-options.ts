import { type Command, InvalidArgumentError, Option } from "commander";
import { type ValuesPolicy, valuesPolicies } from "../../core/evidence/statistics.ts";
import { type MigrationFormat, migrationFormats } from "../../core/request.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { collect, durationOption } from "./options.ts";

export interface EvidenceExplainOptions {
  replica: string;
  clone?: string;
  source: "replica" | "any";
  migration: string[];
  migrationFormat: MigrationFormat;
  query: string[];
  evidence: string[];
  coverage: number;
  analyze?: true;
  values: ValuesPolicy;
  timeout: number;
  migrationTimeout: number;
  out?: string;
}

const notes = `
Collect first (plangate evidence collect): EXPLAIN raises the counters of the indexes that it looks at.
EXPLAIN needs the privileges of the query, so a role that may only read explains no UPDATE. On a standby nothing can be
changed with them.
The migration is applied to the clone. Take a copy that nobody else uses, and throw it away afterwards.
`;

export function evidenceExplainCommand(io: CommandIo): Command {
  return newCommand(io, {
    name: "explain",
    summary: "Explain the queries that a migration affects: before on a replica, after on a disposable clone.",
    examples: [
      "export REPLICA_URL=postgresql://plangate:secret@10.0.3.7/orders CLONE_URL=postgresql://postgres:secret@10.0.9.1/orders",
      "plangate evidence explain --replica orders-replica-1=env:REPLICA_URL --clone env:CLONE_URL \\",
      "    --migration migrations/0042.sql --out plans.json",
    ],
  })
    .requiredOption(
      "--replica <NAME=URL>",
      "where the plans before are taken; NAME=env:VARIABLE where the URL is in an environment variable",
    )
    .option("--clone <URL>", "where the migration is applied for the plans after; env:VARIABLE as above")
    .addOption(
      new Option("--source <KIND>", "what --replica must be; any: a primary too, for clusters without a replica")
        .choices(["replica", "any"])
        .default("replica"),
    )
    .option("--migration <FILE>", "the migration (repeatable, in the order in which they run)", collect, [])
    .addOption(
      new Option("--migration-format <FORMAT>", "how the files are read").choices(migrationFormats).default("plain"),
    )
    .option("--query <FILE>", "a query to explain besides those of pg_stat_statements (repeatable)", collect, [])
    .option("--evidence <FILE>", "bundles whose workload and catalogue count too (repeatable)", collect, [])
    .addOption(
      new Option("--coverage <SHARE>", "how much of the time spent on each table the queries must cover, 0 to 1")
        .argParser(share)
        .default(0.95),
    )
    .option("--analyze", "execute what only reads (EXPLAIN ANALYZE): SELECTs without volatile functions")
    .addOption(
      new Option("--values <POLICY>", "which values of columns may be shown as parameters and in plans")
        .choices(valuesPolicies)
        .default("low-cardinality"),
    )
    .addOption(
      new Option("--timeout <TIME>", "how long one EXPLAIN may take").argParser(durationOption).default(30_000, "30s"),
    )
    .addOption(
      new Option("--migration-timeout <TIME>", "how long one statement of the migration may take")
        .argParser(durationOption)
        .default(3_600_000, "1h"),
    )
    .option("--out <FILE>", "where to write the bundle (default: standard output)")
    .addHelpText("after", notes);
}

function share(text: string): number {
  const number = /^(?:0?\.[0-9]{1,6}|0|1(?:\.0*)?)$/.test(text) ? Number(text) : Number.NaN;
  if (number > 0 && number <= 1) return number;
  throw new InvalidArgumentError("expected a share such as 0.95, greater than 0 and at most 1");
}

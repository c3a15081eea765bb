import { type Command, InvalidArgumentError, Option } from "commander";
import type { ServerRole } from "../../core/evidence/bundle.ts";
import { readCount } from "../../core/evidence/import/numbers.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { collect, instantOption, wholeNumberOption } from "./options.ts";

export interface TableRows {
  schema: string;
  table: string;
  rows: number;
}

export interface EvidenceImportOptions {
  server: string;
  role: ServerRole;
  capturedAt: Date;
  database?: string;
  systemIdentifier?: string;
  serverVersion?: string;
  standbys?: number;
  windowStart?: Date;
  usage: string[];
  indexes: string[];
  rows: TableRows[];
  table?: string;
  schema?: string;
  query: string[];
  before: string[];
  after: string[];
  migration: string[];
  afterMethod?: "clone" | "hypopg";
  note?: string;
  out?: string;
}

export function evidenceImportCommand(io: CommandIo): Command {
  return newCommand(io, {
    name: "import",
    summary: "Make an evidence bundle of one server from psql output and EXPLAIN texts.",
    examples: [
      "psql -c \"SELECT * FROM pg_stat_user_indexes WHERE relname = 'orders'\" > usage.txt",
      "psql -c '\\d orders' > orders.txt",
      "plangate evidence import --server orders-primary --role primary --captured-at 2026-03-13T20:40:00Z \\",
      "    --window-start 2026-01-30T02:11:09Z --usage usage.txt --indexes orders.txt --out orders-primary.json",
    ],
  })
    .requiredOption("--server <NAME>", "name of the server")
    .addOption(new Option("--role <ROLE>", "what the server was").choices(["primary", "replica"]).makeOptionMandatory())
    .requiredOption("--captured-at <TIME>", "when all of this was read (RFC 3339)", instantOption)
    .option("--database <NAME>", "name of the database on the server")
    .option("--system-identifier <ID>", "from pg_control_system(), the same on every node of a cluster")
    .option("--server-version <VERSION>", 'such as "15.8"')
    .option("--standbys <N>", "streaming standbys that a primary has (pg_stat_replication)", wholeNumberOption(0, 1000))
    .option("--window-start <TIME>", "since when the usage counters count (RFC 3339)", instantOption)
    .option(
      "--usage <FILE>",
      "psql output of a query on pg_stat_user_indexes: aligned, CSV, expanded (repeatable)",
      collect,
      [],
    )
    .option(
      "--indexes <FILE>",
      "psql's \\d TABLE, rows of pg_indexes, or CREATE INDEX statements (repeatable)",
      collect,
      [],
    )
    .option("--rows <TABLE=N>", "number of rows of a table: orders=2300000 (repeatable)", collectRows, [])
    .option("--table <NAME>", "the table, where --usage has no column for it")
    .option("--schema <NAME>", "the schema, where nothing says it (default: public)")
    .option(
      "--query <FILE>",
      "a query; its plans are those at the same position of --before and --after (repeatable)",
      collect,
      [],
    )
    .option("--before <FILE>", "what EXPLAIN prints before the migration (repeatable)", collect, [])
    .option("--after <FILE>", "what EXPLAIN prints after it (repeatable); needs --migration", collect, [])
    .option(
      "--migration <FILE>",
      "the migration that the after plans were made with (repeatable, in order)",
      collect,
      [],
    )
    .addOption(new Option("--after-method <METHOD>", "how the after plans were made").choices(["clone", "hypopg"]))
    .option("--note <TEXT>", "for the readers of the plans: where they come from")
    .option("--out <FILE>", "where to write the bundle (default: standard output)");
}

function collectRows(text: string, before: readonly TableRows[]): TableRows[] {
  const [, schema, table = "", number = ""] = /^(?:([^.=]+)\.)?([^.=]+)=(.+)$/.exec(text) ?? [];
  const rows = readCount(number);
  if (table === "" || "problem" in rows) throw new InvalidArgumentError("expected TABLE=N such as orders=2300000");
  return [...before, { schema: schema ?? "", table, rows: rows.value }];
}

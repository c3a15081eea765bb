import path from "node:path";
import { type Command, Option } from "commander";
import { collectAll } from "../../adapters/collect/collect-all.ts";
import { writeWhole } from "../../adapters/output-file.ts";
import { parseServerAddress } from "../../adapters/servers/server-address.ts";
import { PlangateError } from "../../core/errors.ts";
import type { EvidenceBundleInput } from "../../core/evidence/bundle.ts";
import { type ValuesPolicy, valuesPolicies } from "../../core/evidence/statistics.ts";
import { printable } from "../../output/printable.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { collect, durationOption } from "./options.ts";

interface EvidenceCollectOptions {
  server: string[];
  values: ValuesPolicy;
  timeout?: number;
  out?: string;
}

export function buildEvidenceCollect(io: CommandIo): Command {
  return newCommand(io, {
    name: "collect",
    summary: "Reads evidence from the servers of one cluster: index usage, catalogue, statistics, workload.",
    examples: [
      "export PRIMARY_URL=postgresql://plangate:secret@10.0.3.6/orders REPLICA_URL=postgresql://plangate:secret@10.0.3.7/orders",
      "plangate evidence collect --server orders-primary=env:PRIMARY_URL --server orders-replica-1=env:REPLICA_URL \\",
      "    --out evidence.json",
    ],
  })
    .option(
      "--server <NAME=URL>",
      "a server; NAME=env:VARIABLE where the URL is in an environment variable, which keeps passwords out of the command line (repeatable)",
      collect,
      [],
    )
    .addOption(
      new Option(
        "--values <POLICY>",
        "which values of columns may leave the server. low-cardinality: the most common values of columns with at most 100 distinct ones, and histograms of numbers and times; none: frequencies only",
      )
        .choices(valuesPolicies)
        .default("low-cardinality"),
    )
    .option("--timeout <TIME>", "how long one query may take (default: 30s)", durationOption)
    .option("--out <FILE>", "where to write the bundles (default: standard output)")
    .action((options: EvidenceCollectOptions) => run(options, io));
}

async function run({ server, values, timeout, out }: EvidenceCollectOptions, io: CommandIo): Promise<void> {
  const servers = server.map((text) => parseServerAddress(text, io.env));
  const names = servers.map(({ name }) => name);
  if (names.length === 0) throw new PlangateError("bad-arguments", "no server is named; give --server NAME=URL");
  const twice = names.find((name, position) => names.indexOf(name) !== position);
  if (twice !== undefined) throw new PlangateError("bad-arguments", `--server: the name ${twice} is given twice`);
  const bundles = await collectAll(servers, { values, timeouts: timeout === undefined ? {} : { statement: timeout } });
  // A bundle a line: most of indentation would be blanks in front of single numbers.
  const text = `[\n${bundles.map((bundle) => JSON.stringify(bundle)).join(",\n")}\n]\n`;
  if (out === undefined) io.stdout(text);
  else await writeWhole(path.resolve(io.cwd, out), text);
  for (const bundle of bundles) for (const line of remarks(bundle)) io.stderr(`plangate: ${printable(line)}\n`);
}

function remarks({ server, indexUsage, catalog, statements, notes }: EvidenceBundleInput): string[] {
  const contents = [
    `${server.role}, PostgreSQL ${server.serverVersion}`,
    `${catalog?.tables?.length ?? 0} tables`,
    `${catalog?.indexes?.length ?? 0} indexes, counted since ${indexUsage?.windowStart ?? "an unknown moment"}`,
    statements == null ? "no workload" : `${statements.rows.length} statements`,
  ];
  return [`${server.name}: ${contents.join("; ")}`, ...(notes ?? []).map((note) => `${server.name}: note: ${note}`)];
}

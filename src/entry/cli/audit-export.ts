import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { systemErrorCode } from "../../adapters/input-files.ts";
import { storedCheckpoints } from "../../adapters/store/audit-checkpoints.ts";
import type { ChainEntry } from "../../adapters/store/audit-entry.ts";
import { toLine } from "../../adapters/store/audit-lines.ts";
import { readChain, requireStore } from "../../adapters/store/audit-reader.ts";
import type { Database } from "../../adapters/store/connection.ts";
import { PlangateError } from "../../core/errors.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { onStoreDatabase, type StoreDatabaseOptions, withStoreDatabase } from "./store-database.ts";

interface AuditExportOptions extends StoreDatabaseOptions {
  decisions?: boolean;
  checkpoints?: boolean;
  out?: string;
}

export function buildAuditExport(io: CommandIo): Command {
  const command = newCommand(io, {
    name: "export",
    summary: "Writes the audit chain as JSON Lines, one entry a line, oldest first.",
    examples: [
      "plangate audit export --config plangate.yaml --out audit.jsonl",
      "plangate audit export --database-url env:PLANGATE_DATABASE_URL --checkpoints --out checkpoints.txt",
    ],
  });
  return withStoreDatabase(command)
    .option("--decisions", "with each entry also its decision and request, which the entry has digests of")
    .option("--checkpoints", "in place of the entries the signed checkpoints that the database holds, one a line")
    .option("--out <FILE>", "where it is written; default: standard output")
    .action((options: AuditExportOptions) => run(options, io));
}

async function run(options: AuditExportOptions, io: CommandIo): Promise<void> {
  const { out, checkpoints = false, decisions = false } = options;
  if (checkpoints && decisions) throw new PlangateError("bad-arguments", "give either --checkpoints or --decisions");
  await onStoreDatabase(options, io, async (database) => {
    if (out === undefined) await writeLines(database, options, async (line) => io.stdout(line));
    else await toFile(path.resolve(io.cwd, out), (write) => writeLines(database, options, write));
  });
}

type Write = (line: string) => Promise<void>;

async function writeLines(
  database: Database,
  { checkpoints, decisions }: AuditExportOptions,
  write: Write,
): Promise<void> {
  if (checkpoints === true) {
    for (const token of await checkpointsOf(database)) await write(`${token}\n`);
    return;
  }
  const shown = ({ stored, ...entry }: ChainEntry): ChainEntry => (decisions === true ? { ...entry, stored } : entry);
  await readChain(database, (entry) => write(`${toLine(shown(entry))}\n`));
}

function checkpointsOf(database: Database): Promise<string[]> {
  return database.transaction(async (client) => {
    await requireStore(client);
    return storedCheckpoints(client);
  });
}

/** The whole file or nothing. */
async function toFile(file: string, produce: (write: Write) => Promise<void>): Promise<void> {
  const draft = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}.tmp`);
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await inBlocks(handle, produce);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    if (error instanceof PlangateError) throw error;
    throw new PlangateError("unwritable-file", `${file}: cannot be written (${systemErrorCode(error)})`, {
      cause: error,
    });
  }
}

const blockCharacters = 1_000_000;

async function inBlocks(handle: FileHandle, produce: (write: Write) => Promise<void>): Promise<void> {
  let block = "";
  await produce(async (line) => {
    block += line;
    if (block.length < blockCharacters) return;
    await handle.appendFile(block);
    block = "";
  });
  await handle.appendFile(block);
}

import type { KeyObject } from "node:crypto";
import { open } from "node:fs/promises";
import path from "node:path";
import { type Command, Option } from "commander";
import { parsePublicKey } from "../../adapters/evidence-signature/keys.ts";
import { InputFileError, readTextFile, systemErrorCode } from "../../adapters/input-files.ts";
import { triggerProblems } from "../../adapters/store/append-only.ts";
import { type ChainProblem, type ChainSummary, chainVerifier } from "../../adapters/store/audit-chain.ts";
import { type Checkpoint, markOf, verifyCheckpoint } from "../../adapters/store/audit-checkpoint.ts";
import { storedCheckpoints, tokensOf } from "../../adapters/store/audit-checkpoints.ts";
import type { ChainEntry } from "../../adapters/store/audit-entry.ts";
import { fromLine } from "../../adapters/store/audit-lines.ts";
import { readChain, requireStore } from "../../adapters/store/audit-reader.ts";
import { checkSeparation } from "../../adapters/store/separation.ts";
import { PlangateError } from "../../core/errors.ts";
import { printable } from "../../output/printable.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { readKeyFile } from "./key-options.ts";
import { collect } from "./options.ts";
import { onStoreDatabase, type StoreDatabaseOptions, withStoreDatabase } from "./store-database.ts";

interface AuditVerifyOptions extends StoreDatabaseOptions {
  checkpoints?: string;
  key: string[];
  format: "text" | "json";
}

export function buildAuditVerify(io: CommandIo): Command {
  const command = newCommand(io, {
    name: "verify",
    summary: "Checks the audit chain, its decisions and its checkpoints. Exit code 2: somebody has changed them.",
    examples: [
      "plangate audit verify --config plangate.yaml --checkpoints checkpoints.txt --key gate.public.pem",
      "plangate audit verify audit.jsonl --checkpoints checkpoints.txt --key gate.public.pem",
    ],
  }).argument("[EXPORT]", "what `plangate audit export` has written, in place of a database");
  return withStoreDatabase(command)
    .option("--checkpoints <FILE>", "checkpoints that were kept elsewhere, one a line")
    .option(
      "--key <FILE>",
      "public key in PEM form that checkpoints are signed with (repeatable: one for each gate)",
      collect,
      [],
    )
    .addOption(new Option("--format <FORMAT>", "how the result is printed").choices(["text", "json"]).default("text"))
    .action((file: string | undefined, options: AuditVerifyOptions) => run(file, options, io));
}

async function run(file: string | undefined, options: AuditVerifyOptions, io: CommandIo): Promise<void> {
  if (file !== undefined && (options.databaseUrl !== undefined || options.config !== undefined)) {
    throw new PlangateError("bad-arguments", "give either an export or a database");
  }
  if (options.checkpoints !== undefined && options.key.length === 0) {
    throw new PlangateError("bad-arguments", "--checkpoints proves nothing without --key");
  }
  const keys: KeyObject[] = [];
  for (const name of options.key) keys.push(await readKeyFile(name, parsePublicKey, io));
  const exported = options.checkpoints === undefined ? [] : tokensOf(await readTextFile(options.checkpoints, io.cwd));
  const result =
    file === undefined
      ? await verifyDatabase(options, exported, keys, io)
      : await verifyExport(file, exported, keys, io);
  io.stdout(options.format === "json" ? `${JSON.stringify(result, null, 2)}\n` : toText(result));
  io.setExitCode(result.problems.length === 0 ? 0 : 2);
}

interface VerifyResult extends ChainSummary {
  /** How many checkpoints hold. */
  checkpoints: number;
  /** The entry up to which a checkpoint that was kept elsewhere covers the chain; null: no such checkpoint was given. */
  protectedUpTo: number | null;
  /** What is no problem, and less than it could be. */
  notes: string[];
}

function verifyDatabase(
  options: AuditVerifyOptions,
  exported: readonly string[],
  keys: readonly KeyObject[],
  io: CommandIo,
): Promise<VerifyResult> {
  return onStoreDatabase(options, io, async (database) => {
    await database.transaction(requireStore);
    const known = new Set(exported);
    const all = keys.length === 0 ? [] : await database.transaction(storedCheckpoints);
    const stored = all.filter((token) => !known.has(token));
    const triggers = await database.transaction(triggerProblems);
    const separation = await database.transaction(checkSeparation);
    const result = await verify(exported, stored, keys, (visit) => readChain(database, visit));
    const protection = [...triggers, ...separation.problems].map((message) => ({ position: null, message }));
    const notes = separation.note === null ? [] : [separation.note];
    return { ...result, problems: [...protection, ...result.problems], notes };
  });
}

function verifyExport(
  file: string,
  exported: readonly string[],
  keys: readonly KeyObject[],
  io: CommandIo,
): Promise<VerifyResult> {
  return verify(exported, [], keys, async (visit) => {
    await readLines(file, io.cwd, (line, number) => visit(fromLine(line, number)));
    return [];
  });
}

type Read = (visit: (entry: ChainEntry) => void) => Promise<ChainProblem[]>;

async function verify(
  exported: readonly string[],
  stored: readonly string[],
  keys: readonly KeyObject[],
  read: Read,
): Promise<VerifyResult> {
  const kept = check(exported, "the checkpoint file", keys);
  const own = check(stored, "the database's checkpoints", keys);
  const verifier = chainVerifier([...kept.checkpoints, ...own.checkpoints].map(markOf));
  const stray = await read((entry) => verifier.add(entry));
  const { problems, ...summary } = verifier.finish();
  const sequences = kept.checkpoints.map(({ sequence }) => sequence);
  return {
    ...summary,
    problems: [...problems, ...stray, ...kept.problems, ...own.problems],
    checkpoints: kept.checkpoints.length + own.checkpoints.length,
    protectedUpTo: sequences.length === 0 ? null : Math.max(...sequences),
    notes: [],
  };
}

function check(tokens: readonly string[], where: string, keys: readonly KeyObject[]) {
  const checkpoints: Checkpoint[] = [];
  const problems: ChainProblem[] = [];
  for (const [index, token] of tokens.entries()) {
    const checked = verifyCheckpoint(token, keys);
    if (typeof checked !== "string") checkpoints.push(checked);
    else problems.push({ position: null, message: `${where}, number ${index + 1}: ${checked}` });
  }
  return { checkpoints, problems };
}

async function readLines(file: string, cwd: string, visit: (line: string, number: number) => void): Promise<void> {
  try {
    const handle = await open(path.resolve(cwd, file));
    let number = 0;
    for await (const line of handle.readLines()) {
      number += 1;
      if (line !== "") visit(line, number);
    }
  } catch (error) {
    if (error instanceof PlangateError) throw error;
    throw new InputFileError(file, `cannot be read (${systemErrorCode(error)})`, { cause: error });
  }
}

const mostShown = 20;

function toText(result: VerifyResult): string {
  const { problems, entries, decisions, admissions, head } = result;
  const failed = problems
    .slice(0, mostShown)
    .map(({ position, message }) =>
      position === null ? `FAILED  ${message}` : `FAILED  entry ${position}: ${message}`,
    );
  const more = problems.length > mostShown ? [`FAILED  and ${problems.length - mostShown} more`] : [];
  const end = head === null ? "" : `; the last is ${head.sequence}, hash ${head.hash}`;
  const counts = [
    counted(entries, "entry", "entries"),
    counted(decisions, "decision"),
    ...(admissions === 0 ? [] : [counted(admissions, "admission")]),
  ];
  const line = `${problems.length === 0 ? "ok    " : "read  "}  ${counts.join(", ")}${end}`;
  const notes = result.notes.map((note) => `note    ${note}`);
  return [...failed, ...more, line, ...protection(result), ...notes].map((line) => `${printable(line)}\n`).join("");
}

function protection({ head, checkpoints, protectedUpTo, problems }: VerifyResult): string[] {
  const end = head?.sequence ?? 0;
  const held =
    checkpoints === 0
      ? []
      : [`${problems.length === 0 ? "ok    " : "read  "}  ${counted(checkpoints, "checkpoint")} with a good signature`];
  const least = "who can write to the database could cut or rewrite what is in it unnoticed";
  if (protectedUpTo === null)
    return [...held, `note    unprotected: no checkpoint from elsewhere was given, so ${least}`];
  if (end <= protectedUpTo) return held;
  const first = protectedUpTo + 1;
  const which = end === first ? `entry ${first} is` : `entries ${first} to ${end} are`;
  return [
    ...held,
    `note    unprotected: ${which} newer than the last checkpoint from elsewhere, so ${least.replace("what is in it", "them")}`,
  ];
}

function counted(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

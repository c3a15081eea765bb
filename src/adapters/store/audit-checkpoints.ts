import { open, readFile } from "node:fs/promises";
import type { PoolClient } from "pg";
import type { Clock } from "../../app/ports.ts";
import { PlangateError } from "../../core/errors.ts";
import type { GateKeys, PublicGateKey } from "../gate-keys.ts";
import { systemErrorCode } from "../input-files.ts";
import { readHead } from "./audit.ts";
import { type Checkpoint, signCheckpoint, verifyCheckpoint } from "./audit-checkpoint.ts";
import type { Database } from "./connection.ts";

export interface CheckpointOptions {
  /** What any of them has signed must still hold. */
  keys: GateKeys;
  gate: string;
  /** Checkpoints are appended to it, one token a line; null: they are in the store alone. */
  file: string | null;
  clock: Clock;
}

export interface CheckpointMaker {
  /**
   * Signs the end of the chain, if it has moved on. Returns null where it has not. Throws StoreError; PlangateError `unwritable-file`; PlangateError
   * `audit-chain-rewritten` where the chain no longer holds what this gate has signed before: it signs nothing more then.
   */
  make(): Promise<Checkpoint | null>;
}

/** Throws PlangateError `unwritable-file`. */
export async function openCheckpoints(database: Database, options: CheckpointOptions): Promise<CheckpointMaker> {
  const { keys, gate, file, clock } = options;
  const known = file === null ? [] : await tokensOfFile(file);
  if (file !== null) await appendLines(file, []);
  let last: Checkpoint | null = newest(known, keys);
  let unexported: string[] = [];
  return {
    async make() {
      const made = await database.transaction(async (client) => {
        last ??= newest(await storedCheckpoints(client), keys);
        await requireUnchanged(client, last);
        const { sequence, hash } = await readHead(client);
        if (sequence === 0 || sequence === last?.sequence) return null;
        const checkpoint = { gate, sequence, hash, at: clock.now().toISOString() };
        const token = signCheckpoint(checkpoint, keys[0]);
        await client.query(
          "INSERT INTO plangate.audit_checkpoints (token, gate, sequence, made_at) VALUES ($1, $2, $3, $4)",
          [token, gate, sequence, checkpoint.at],
        );
        return { checkpoint, token };
      });
      if (made !== null) {
        last = made.checkpoint;
        unexported.push(made.token);
      }
      if (file !== null && unexported.length > 0) await appendLines(file, unexported);
      unexported = [];
      return made?.checkpoint ?? null;
    },
  };
}

export async function storedCheckpoints(client: PoolClient): Promise<string[]> {
  const { rows } = await client.query<{ token: string }>(
    "SELECT token FROM plangate.audit_checkpoints ORDER BY sequence, made_at",
  );
  return rows.map(({ token }) => token);
}

/** One token a line; empty lines are nothing. */
export function tokensOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}

function newest(tokens: readonly string[], keys: readonly PublicGateKey[]): Checkpoint | null {
  const publicKeys = keys.map(({ publicKey }) => publicKey);
  const own = tokens
    .map((token) => verifyCheckpoint(token, publicKeys))
    .filter((checkpoint) => typeof checkpoint !== "string");
  return own.reduce<Checkpoint | null>(
    (best, one) => (best === null || one.sequence > best.sequence ? one : best),
    null,
  );
}

async function requireUnchanged(client: PoolClient, last: Checkpoint | null): Promise<void> {
  if (last === null) return;
  const { rows } = await client.query<{ hash: string }>("SELECT hash FROM plangate.audit_entries WHERE sequence = $1", [
    last.sequence,
  ]);
  if (rows.length === 1 && rows[0]?.hash === last.hash) return;
  throw new PlangateError(
    "audit-chain-rewritten",
    `The audit chain no longer holds entry ${last.sequence} as this gate signed it at ${last.at}: somebody has rewritten or cut it. ` +
      "Keep the checkpoint file, and run `plangate audit verify --checkpoints FILE --key FILE`.",
  );
}

async function tokensOfFile(file: string): Promise<string[]> {
  try {
    return tokensOf(await readFile(file, "utf8"));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw new PlangateError("unwritable-file", `${file}: cannot be read (${systemErrorCode(error)})`, { cause: error });
  }
}

/** Durable when it returns. */
async function appendLines(file: string, lines: readonly string[]): Promise<void> {
  try {
    const handle = await open(file, "a", 0o644);
    try {
      await handle.writeFile(lines.map((line) => `${line}\n`).join(""));
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new PlangateError("unwritable-file", `${file}: cannot be written (${systemErrorCode(error)})`, {
      cause: error,
    });
  }
}

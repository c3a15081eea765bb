import { DatabaseError, Pool, type PoolClient, type PoolConfig, type QueryResult } from "pg";
import { PlangateError } from "../../core/errors.ts";

/** The store could not do what it was asked to: nothing was decided or stored. Callers fail closed. */
export class StoreError extends PlangateError {}

export interface StoreTarget {
  /** Unix socket or host of the embedded Postgres, or the URL of a server. */
  connection: { host: string; port: number; user: string; database: string } | { connectionString: string };
  /** Connections that are opened at most. The embedded Postgres has one backend: 1. */
  maxConnections: number;
  /** Connections fail in the background too (a server restart). The next query opens a new one; this is for the log. */
  onConnectionError: (error: Error) => void;
  timeouts?: Partial<Timeouts>;
}

/** All in milliseconds. */
export interface Timeouts {
  connect: number;
  statement: number;
  lock: number;
}

export interface Database {
  /**
   * Runs `work` in one transaction; rolls back and throws if it throws. Errors of the database become StoreError.
   * Every access goes through here: the timeouts are set for the transaction alone, so they hold behind a connection
   * pooler too, and the embedded server keeps connections apart only inside transactions. What is committed is durable, whatever
   * the server's default for synchronous_commit; with `durable: false` a crash of the server may lose it, but nothing that is durable was
   * committed after what is lost.
   */
  transaction<T>(
    work: (client: PoolClient, first: readonly Row[]) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>;
  close(): Promise<void>;
}

export interface TransactionOptions {
  /** Absent: true. */
  durable?: boolean;
  /** Statements without parameters, sent with the BEGIN instead of after it; `work` gets the rows of the last one. */
  first?: string;
}

type Row = Readonly<Record<string, unknown>>;

/** Holds rows that are forgotten after a time. */
export interface Prunable {
  forgetExpired(): Promise<void>;
}

const defaultTimeouts: Timeouts = { connect: 5_000, statement: 10_000, lock: 5_000 };

export function openDatabase(target: StoreTarget): Database {
  const timeouts = { ...defaultTimeouts, ...target.timeouts };
  const config: PoolConfig = {
    ...target.connection,
    max: target.maxConnections,
    connectionTimeoutMillis: timeouts.connect,
    // Where the server does not stop a statement itself (the embedded one, a dead network), the client gives up.
    query_timeout: timeouts.statement + 2_000,
    keepAlive: true,
    application_name: "plangate",
  };
  const pool = new Pool(config);
  pool.on("error", target.onConnectionError);
  const begin = `BEGIN;
    SET LOCAL statement_timeout = ${timeouts.statement};
    SET LOCAL lock_timeout = ${timeouts.lock};
    SET LOCAL idle_in_transaction_session_timeout = ${timeouts.statement};
    SET LOCAL search_path = pg_catalog`;
  const durably = `${begin};
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`;
  const quickly = `${begin}; SET LOCAL synchronous_commit = off`;
  return {
    async transaction(work, { durable = true, first = "" } = {}) {
      const client = await connect(pool);
      // Between two queries nobody awaits the client; without a listener its error would end the process.
      client.on("error", target.onConnectionError);
      let broken = true;
      try {
        const begun = await client.query(`${durable ? durably : quickly};${first}`);
        const result = await work(client, lastRows(begun));
        await client.query("COMMIT");
        broken = false;
        return result;
      } catch (error) {
        const usable = error instanceof PlangateError || error instanceof DatabaseError;
        broken = !(usable && (await rolledBack(client)));
        throw error instanceof PlangateError ? error : storeError(error);
      } finally {
        client.off("error", target.onConnectionError);
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}

/** Several statements in one text have several results, which the driver's types do not know. */
function lastRows(results: QueryResult | QueryResult[]): readonly Row[] {
  return (Array.isArray(results) ? results.at(-1) : results)?.rows ?? [];
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (cause) {
    throw storeError(cause);
  }
}

async function rolledBack(client: PoolClient): Promise<boolean> {
  try {
    await client.query("ROLLBACK");
    return true;
  } catch {
    return false; // The connection is given up; what broke it is already on its way to the caller.
  }
}

/** SQLSTATE, or Node's code of a socket error, without the server's text: that may quote data. */
function storeError(cause: unknown): StoreError {
  const state = cause instanceof DatabaseError ? `SQLSTATE ${cause.code}` : (cause as NodeJS.ErrnoException).code;
  const detail = state === undefined ? "" : ` (${state})`;
  return new StoreError("store-unavailable", `The gate's database failed${detail}`, { cause });
}

import { Socket } from "node:net";
import { Client } from "pg";
import type { z } from "zod";
import type { ServerAddress } from "./server-address.ts";
import { endsSession, ServerError, serverError } from "./server-error.ts";

/** All in milliseconds. */
export interface SessionTimeouts {
  connect: number;
  statement: number;
  lock: number;
}

export interface Session {
  readonly server: ServerAddress;
  /**
   * Runs one statement (or, without values, several). Throws pg's DatabaseError where the server refuses the statement and the
   * session goes on; ServerError where the session is lost or hangs.
   */
  run(sql: string, values?: readonly unknown[]): Promise<unknown[]>;
  /** As `run`, each row read by a schema. */
  rows<Schema extends z.ZodType>(schema: Schema, sql: string, values?: readonly unknown[]): Promise<z.output<Schema>[]>;
  close(): Promise<void>;
}

/** How much longer than the server itself the client waits for a statement. */
const graceMs = 2_000;

/** Opens a session, with its timeouts set on the server and kept by the client where the server hangs. */
export async function openSession(server: ServerAddress, timeouts: SessionTimeouts): Promise<Session> {
  const socket = new Socket();
  const client = new Client({
    stream: () => socket,
    connectionString: server.url,
    connectionTimeoutMillis: timeouts.connect,
    query_timeout: timeouts.statement + graceMs,
    keepAlive: true,
    application_name: "plangate",
  });
  // An error between two statements shows again when the next one is sent.
  client.on("error", () => undefined);
  const deadline = Date.now() + timeouts.connect;
  try {
    await client.connect();
    // With the last of them, the server reads SQL text as the grammar here does.
    await client.query(
      `SET statement_timeout = ${timeouts.statement}; SET lock_timeout = ${timeouts.lock}; SET client_encoding = 'UTF8';
       SET standard_conforming_strings = on`,
    );
  } catch (cause) {
    socket.destroy();
    throw Date.now() >= deadline ? hangs(server, timeouts.connect, cause) : serverError(server.label, cause);
  }
  return session(server, client, socket, timeouts);
}

function session(server: ServerAddress, client: Client, socket: Socket, timeouts: SessionTimeouts): Session {
  const run: Session["run"] = async (sql, values) => {
    const deadline = Date.now() + timeouts.statement + graceMs;
    try {
      const result = await client.query<Record<string, unknown>>(sql, values === undefined ? undefined : [...values]);
      return result.rows ?? [];
    } catch (cause) {
      if (!endsSession(cause)) throw cause;
      if (Date.now() >= deadline) throw hangs(server, timeouts.statement + graceMs, cause);
      throw serverError(server.label, cause);
    }
  };
  return {
    server,
    run,
    rows: async (schema, sql, values) => (await run(sql, values)).map((row) => schema.parse(row)),
    async close() {
      // A server that hangs would never confirm, and one that is lost has nothing left to close.
      await Promise.race([client.end().catch(() => undefined), new Promise((done) => setTimeout(done, 500).unref())]);
      socket.destroy();
    },
  };
}

function hangs(server: ServerAddress, ms: number, cause: unknown): ServerError {
  const problem = `the server accepts connections but did not answer within ${Math.round(ms / 1000)} s`;
  return new ServerError("server-hangs", server.label, problem, "see whether it is overloaded or stopped", { cause });
}

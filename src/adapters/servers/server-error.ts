import { DatabaseError } from "pg";
import { PlangateError } from "../../core/errors.ts";

/** A database server could not be used. Names the server, what is wrong and what to do; never a password. */
export class ServerError extends PlangateError {
  /** @param help begins with a verb. */
  constructor(code: string, server: string, problem: string, help: string, options?: { cause?: unknown }) {
    super(code, `${server}: ${problem}; ${help}`, options);
  }
}

interface Explanation {
  problem: string;
  help: string;
}

const unreachable = "check host and port, and that this machine may reach them";

/** By SQLSTATE (PostgreSQL docs, appendix A) or by Node's code of a socket error. */
const explanations: ReadonlyMap<string, Explanation> = new Map([
  ["ECONNREFUSED", { problem: "nothing listens there", help: unreachable }],
  ["ENOTFOUND", { problem: "the host name is not known", help: unreachable }],
  ["EAI_AGAIN", { problem: "the host name cannot be looked up now", help: "try again, or give an IP address" }],
  ["EHOSTUNREACH", { problem: "the host cannot be reached", help: unreachable }],
  ["ENETUNREACH", { problem: "the network cannot be reached", help: unreachable }],
  ["ETIMEDOUT", { problem: "the host does not answer", help: unreachable }],
  [
    "ECONNRESET",
    { problem: "the connection was closed by the server", help: "see the server's log, then run it again" },
  ],
  ["EPIPE", { problem: "the connection was closed by the server", help: "see the server's log, then run it again" }],
  ["28P01", { problem: "the password was refused", help: "correct the URL or the environment variable that holds it" }],
  ["28000", { problem: "the server refuses this role", help: "check the role in the URL, and pg_hba.conf" }],
  ["3D000", { problem: "there is no such database", help: "correct the database in the URL" }],
  ["42501", { problem: "the role lacks a privilege", help: "grant it, or connect as a role that has it" }],
  ["53300", { problem: "the server has no free connection", help: "try again later" }],
  ["57P01", { problem: "the server is being shut down or restarted", help: "run it again when the server is up" }],
  ["57P02", { problem: "the server has crashed", help: "run it again when the server is up" }],
  ["57P03", { problem: "the server is starting up or does not take connections", help: "run it again when it does" }],
  ["57014", { problem: "a statement took longer than the timeout", help: "give a longer --timeout" }],
  ["55P03", { problem: "a lock was not to be had in time", help: "run it again when nobody holds the lock" }],
]);

/** An error of pg or of the socket, as people need it. */
export function serverError(server: string, cause: unknown): ServerError {
  if (cause instanceof ServerError) return cause;
  const code = errorCode(cause);
  const known = code === null ? undefined : explanations.get(code);
  // The server's own text names the object that a privilege is missing for.
  const detail = cause instanceof DatabaseError ? `${cause.message} (SQLSTATE ${cause.code})` : (code ?? "no code");
  if (known === undefined) {
    const problem =
      cause instanceof DatabaseError ? `the server reports: ${detail}` : `the connection failed (${detail})`;
    return new ServerError("server-failed", server, problem, "see the server's log, then run it again", { cause });
  }
  const problem = cause instanceof DatabaseError ? `${known.problem}: ${detail}` : `${known.problem} (${detail})`;
  return new ServerError("server-failed", server, problem, known.help, { cause });
}

function errorCode(error: unknown): string | null {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : null;
  return typeof code === "string" ? code : null;
}

/** The session is gone: nothing more can be asked of it. */
export function endsSession(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return true;
  const state = error.code ?? "";
  return state.startsWith("57P") || state.startsWith("08") || error.severity === "FATAL";
}

import { DatabaseError } from "pg";
import type { ServerAddress } from "../servers/server-address.ts";
import { ServerError, serverError } from "../servers/server-error.ts";

/** An object is in the snapshot's catalogue but gone for PostgreSQL's functions, which see the newest state. */
export class ChangedMeanwhile extends Error {}

/** "could not open relation", "cache lookup failed": how those functions say that an object is gone. */
const internalError = "XX000";
/** A query was cancelled on a standby because the primary changed or removed what it read. */
const serializationFailure = "40001";

function isChangedMeanwhile(error: unknown): boolean {
  return error instanceof ChangedMeanwhile || (error instanceof DatabaseError && error.code === internalError);
}

/** A new snapshot may fare better. */
export function isWorthAnotherTry(error: unknown): boolean {
  return isChangedMeanwhile(error) || (error instanceof DatabaseError && error.code === serializationFailure);
}

/** What ended a collection, as people need it. Defects stay what they are. */
export function collectError(server: ServerAddress, cause: unknown): unknown {
  const explained = (code: string, problem: string, help: string) =>
    new ServerError(code, server.label, problem, help, { cause });
  if (isChangedMeanwhile(cause)) {
    return explained(
      "changed-meanwhile",
      "objects were dropped while they were read",
      "run it again when no migration runs",
    );
  }
  if (!(cause instanceof DatabaseError)) return cause;
  if (cause.code === serializationFailure) {
    const help = "run it again, or turn on hot_standby_feedback";
    return explained("replay-conflict", "the standby cancelled a query to go on with replay", help);
  }
  return serverError(server.label, cause);
}

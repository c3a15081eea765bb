import { randomInt } from "node:crypto";
import { z } from "zod";
import { ServerError } from "../servers/server-error.ts";
import type { Session } from "../servers/session.ts";

export const identitySchema = z.object({
  systemIdentifier: z.string(),
  database: z.string(),
  inRecovery: z.boolean(),
  major: z.number(),
  timeline: z.number(),
  /** Servers that follow this one. */
  followers: z.number(),
  /** Follows another server by streaming, now. */
  follows: z.boolean(),
  /** Position in the write-ahead log, in bytes. */
  position: z.string().transform((text) => BigInt(text)),
});
export type ServerIdentity = z.infer<typeof identitySchema>;

const identity = `
  SELECT (SELECT system_identifier::text FROM pg_control_system()) AS "systemIdentifier",
    current_database() AS database, pg_is_in_recovery() AS "inRecovery",
    current_setting('server_version_num')::int / 10000 AS major,
    (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline,
    (SELECT count(*)::int FROM pg_stat_replication) AS followers,
    EXISTS (SELECT FROM pg_stat_wal_receiver) AS follows,
    (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn)::text AS position`;

export async function readIdentity(session: Session): Promise<ServerIdentity> {
  const [row] = await session.rows(identitySchema, identity);
  if (row === undefined) throw new Error("SELECT without FROM gave no row");
  return row;
}

/** The migration would be applied to it: makes sure that nobody uses the clone for anything else. Throws ServerError. */
export async function refuseUnlessClone(clone: Session, source: Session): Promise<void> {
  const [own, original] = [await readIdentity(clone), await readIdentity(source)];
  const refuse = (problem: string, help: string): never => {
    throw new ServerError("not-a-clone", clone.server.label, `${problem}; nothing was changed`, help);
  };
  const another = "give --clone a copy that nobody else uses";
  if (own.inRecovery) refuse("it is a standby, which no migration can be applied to", another);
  if (own.followers > 0) refuse(`${own.followers} servers follow it, so it is not a disposable clone`, another);
  const isSameProcess = await seesLockOf(source, clone);
  if (isSameProcess && own.database === original.database) {
    refuse(`it is the same database as ${source.server.label}`, another);
  }
  if (!isSameProcess && mayBePrimaryOf(own, original)) {
    const problem = `it may be the primary of ${source.server.label}: they have one system identifier, and nothing tells them apart`;
    refuse(problem, "promote the clone from a standby or a backup, which gives it a timeline of its own");
  }
  if (own.major !== original.major) {
    const problem = `it runs PostgreSQL ${own.major}, and ${source.server.label} runs ${original.major}, which plans otherwise`;
    refuse(problem, `make the clone with PostgreSQL ${original.major}`);
  }
}

/** A standby that streams has an upstream with followers, which the clone has been seen not to have. */
function mayBePrimaryOf(clone: ServerIdentity, source: ServerIdentity): boolean {
  if (clone.systemIdentifier !== source.systemIdentifier || clone.database !== source.database) return false;
  if (!source.inRecovery || source.follows) return false;
  return clone.timeline === source.timeline && clone.position >= source.position;
}

const sees = z.object({ sees: z.boolean() });

/** Whatever addresses and names say, an advisory lock is seen by the sessions of the same server and by no other. */
async function seesLockOf(holder: Session, other: Session): Promise<boolean> {
  const [high, low] = [randomInt(2 ** 31), randomInt(2 ** 31)];
  await holder.run("SELECT pg_advisory_lock_shared($1::int, $2::int)", [high, low]);
  try {
    const sql = `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid::int8 = $1 AND objid::int8 = $2) AS sees`;
    const [row] = await other.rows(sees, sql, [high, low]);
    return row?.sees ?? false;
  } finally {
    await holder.run("SELECT pg_advisory_unlock_shared($1::int, $2::int)", [high, low]);
  }
}

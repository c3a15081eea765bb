import type { PoolClient } from "pg";
import type { Decision } from "../../core/decision.ts";
import type { Database } from "./connection.ts";

/** A used override of which a webhook has to be told. */
export interface Notice {
  jti: string;
  attempt: number;
  decision: Decision;
}

export interface NotificationStore {
  /** Takes what is due. Who does not confirm it in time gets it again, and so does every other gate: at least once. */
  take(target: string, limit: number): Promise<Notice[]>;
  confirm(target: string, jti: string): Promise<void>;
}

/** By the database's clock, which all gates share. */
export function notificationStore(database: Database): NotificationStore {
  return {
    take: (target, limit) => database.transaction((client) => takeDue(client, target, limit)),
    confirm: (target, jti) =>
      database.transaction(async (client) => {
        await client.query(
          "UPDATE plangate.notifications SET delivered_at = clock_timestamp() WHERE target = $1 AND jti = $2",
          [target, jti],
        );
      }),
  };
}

/** A webhook that was added later is not told about what is long past, and one that is gone is given up. */
const enrolSql = `
  INSERT INTO plangate.notifications (jti, target)
  SELECT jti, $1 FROM plangate.consumed_overrides WHERE consumed_at > clock_timestamp() - interval '3 days'
  ON CONFLICT DO NOTHING`;

/** The next attempt is 30 s later, then twice as long each time, up to an hour. */
const takeSql = `
  UPDATE plangate.notifications AS due
  SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + least(interval '1 hour', interval '30 s' * power(2, least(attempts, 10)))
  FROM plangate.consumed_overrides AS used JOIN plangate.decisions AS decision ON decision.id = used.decision_id
  WHERE used.jti = due.jti AND target = $1 AND due.jti IN (
    SELECT jti FROM plangate.notifications
    WHERE target = $1 AND delivered_at IS NULL AND next_attempt_at <= clock_timestamp()
    ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    AND used.consumed_at > clock_timestamp() - interval '3 days'
  RETURNING due.jti, attempts, decision.body`;

async function takeDue(client: PoolClient, target: string, limit: number): Promise<Notice[]> {
  await client.query(enrolSql, [target]);
  const { rows } = await client.query<{ jti: string; attempts: number; body: Decision }>(takeSql, [target, limit]);
  return rows.map(({ jti, attempts, body }) => ({ jti, attempt: attempts, decision: body }));
}

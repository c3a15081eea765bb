import { DatabaseError } from "pg";
import { z } from "zod";
import { plannerSettings } from "../collect/planner-settings.ts";
import { ServerError } from "../servers/server-error.ts";
import type { Session } from "../servers/session.ts";

export type PlannerSettings = Readonly<Record<string, string>>;

const row = z.object({ name: z.string(), value: z.string() });

export async function readPlannerSettings(session: Session): Promise<PlannerSettings> {
  const sql =
    "SELECT name, current_setting(name) AS value FROM pg_settings WHERE name = ANY ($1::text[]) ORDER BY name";
  const rows = await session.rows(row, sql, [plannerSettings]);
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

/**
 * Makes a session plan with the settings of another server, its search path too.
 * @returns the session's settings. Throws ServerError that names the one which cannot be had.
 */
export async function adoptSettings(session: Session, source: Session): Promise<PlannerSettings> {
  const [path] = await source.rows(row, "SELECT 'search_path' AS name, current_setting('search_path') AS value");
  const wanted = { ...(await readPlannerSettings(source)), search_path: path?.value ?? "" };
  const own = new Map(Object.entries(await readPlannerSettings(session)));
  for (const [name, value] of Object.entries(wanted)) {
    if (own.get(name) === value) continue;
    try {
      await session.run("SELECT set_config($1, $2, false)", [name, value]);
    } catch (cause) {
      if (!(cause instanceof DatabaseError)) throw cause;
      const problem = `${name} is ${own.get(name) ?? "not there"}, and ${value} on ${source.server.name}`;
      throw new ServerError("settings-differ", session.server.label, problem, "set it in the clone's configuration", {
        cause,
      });
    }
  }
  return readPlannerSettings(session);
}

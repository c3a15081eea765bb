import type { Node } from "@pgsql/types";
import type { ObjectName } from "../values.ts";

/** A function or procedure that the request creates in a language that can be read. */
export interface Routine {
  name: ObjectName;
  body: RoutineBody;
  /** Called by DML (`trigger`), by DDL (`event-trigger`), or by name. */
  returns: "trigger" | "event-trigger" | "value";
  /** OR REPLACE: what exists already, such as a default, may call it. */
  replaces: boolean;
  /** CREATE FUNCTION … SET search_path: names in the body are looked up elsewhere. */
  setsSearchPath: boolean;
  /** The state's version when its body was last read; −1: never. */
  readAt: number;
  reading: boolean;
}

export type RoutineBody =
  | { language: "sql"; text: string }
  | { language: "sql"; statements: readonly Node[] }
  | { language: "plpgsql"; statement: string; text: string };

export interface RoutineBook {
  byName: Map<string, Routine[]>;
  /** Table "schema.name" → functions outside this request that a new trigger calls. */
  foreignTriggers: { table: ObjectName; functionName: string }[];
  prepared: Set<string>;
  /** Readings of bodies so far; a bound, since each call reads the body again. */
  readings: number;
}

export function newRoutineBook(): RoutineBook {
  return { byName: new Map(), foreignTriggers: [], prepared: new Set(), readings: 0 };
}

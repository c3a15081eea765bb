import type { z } from "zod";
import type { Authenticator } from "../../adapters/callers/authenticator.ts";
import type { NodeState } from "../../adapters/databases/node-reader.ts";
import type { JwkSet } from "../../adapters/passes/jwk-set.ts";
import type { Caller, Permission } from "../../app/caller.ts";
import type { GatePorts, GateSettings } from "../../app/gate.ts";
import type { Clock } from "../../app/ports.ts";
import type { GateHumanTokens } from "./gate-human-tokens.ts";
import type { Log } from "./log.ts";
import type { Telemetry } from "./telemetry.ts";

/** What every address of the gate works with. */
export interface GateBase {
  authenticator: Authenticator;
  /** The public keys that passes are verified with. */
  jwks: JwkSet;
  /** From now on nothing new is accepted. */
  isStopping(): boolean;
  telemetry: Telemetry;
  log: Log;
  clock: Clock;
}

/** What the routes of the API work with. */
export interface Gate extends GateBase {
  ports: Omit<GatePorts, "humanTokens">;
  humanTokens: GateHumanTokens;
  settings: GateSettings;
  /** Throws when the database does not answer. */
  pingDatabase(): Promise<void>;
  /** The servers that the gate reads itself. */
  databaseStates(): NodeState[];
}

export interface RouteRequest<Query> {
  caller: Caller;
  query: Query;
  /** Parts of the path, by name. */
  params: Readonly<Record<string, string>>;
  header(name: string): string | undefined;
  /** Reads and parses the body. Throws InputError or HttpError. */
  json(): Promise<{ value: unknown; bytes: Uint8Array }>;
  id: string;
}

export interface Reply {
  status: number;
  /** JSON value; text where `contentType` is given. */
  body: unknown;
  contentType?: string;
  headers?: Readonly<Record<string, string>>;
}

export interface ResponseDocument {
  description: string;
  /** Absent: problem+json where the status is an error, otherwise no documented form. */
  schema?: z.ZodType;
  contentType?: string;
}

export interface Route<Query extends z.ZodObject = z.ZodObject, On extends GateBase = Gate> {
  method: "get" | "post";
  /** OpenAPI's form: "/v1/decisions/{id}". */
  path: string;
  operationId: string;
  summary: string;
  /** Who may: `open`, anybody without authentication; otherwise callers with one of these permissions. */
  access: "open" | readonly Permission[];
  query: Query;
  headers?: z.ZodObject;
  body?: z.ZodType;
  /** Bytes; absent: `bodyLimit`. */
  largestBody?: number;
  /** Absent: strictly, see `parseJsonBody`. Throws HttpError. */
  parseBody?(bytes: Uint8Array): unknown;
  responses: Readonly<Record<number, ResponseDocument>>;
  handle(gate: On, request: RouteRequest<z.output<Query>>): Promise<Reply>;
}

/** Checks a route's handler against its query, and forgets the query's type so that routes go into one list. */
export function defineRoute<Query extends z.ZodObject, On extends GateBase = Gate>(
  route: Route<Query, On>,
): Route<z.ZodObject, On> {
  // The router parses the query with this very schema before it calls the handler.
  return route as unknown as Route<z.ZodObject, On>;
}

import { PlangateError } from "../core/errors.ts";
import { globMatches } from "../core/policy/match.ts";
import type { DeployRequest } from "../core/request.ts";

export const permissions = ["request", "push-evidence", "vouch-approvals", "read"] as const;
export type Permission = (typeof permissions)[number];

/** Fields of a deploy request that claims of a token can bind. */
export const boundFields = ["service", "environment", "commit", "database"] as const;
export type BoundField = (typeof boundFields)[number];

/** Who asks, authenticated, with what it may do. */
export interface Caller {
  name: string;
  /** Do unsigned approvals count that this caller passes on? */
  mayVouch: boolean;
  may: ReadonlySet<Permission>;
  /** Globs. */
  services: readonly string[];
  environments: readonly string[];
  databases: readonly string[];
  /** Who the requester is, whatever the body says; null: who the body says. */
  principal: string | null;
  /** What the token says about the request; the body must say the same. */
  claims: ReadonlyMap<BoundField, string>;
}

/** Where nobody authenticates: anyone on this machine. */
export const localCaller: Caller = {
  name: "local",
  mayVouch: true,
  may: new Set(permissions),
  services: ["*"],
  environments: ["*"],
  databases: ["*"],
  principal: null,
  claims: new Map(),
};

/** Who asks at an open route: may not do anything that needs a permission. */
export const nobody: Caller = {
  name: "nobody",
  mayVouch: false,
  may: new Set(),
  services: [],
  environments: [],
  databases: [],
  principal: null,
  claims: new Map(),
};

/** `not-permitted`: the caller is known, and may not do this. Not a rejection: nothing was judged. */
export class NotPermitted extends PlangateError {
  constructor(message: string) {
    super("not-permitted", message);
  }
}

export function requirePermission(caller: Caller, anyOf: readonly Permission[]): void {
  if (anyOf.some((permission) => caller.may.has(permission))) return;
  throw new NotPermitted(`The caller ${caller.name} may not do this: it needs the permission ${anyOf.join(" or ")}.`);
}

/** What a caller may see and ask for. */
export function covers(
  caller: Pick<Caller, "services" | "environments">,
  subject: { service: string; environment: string },
): boolean {
  return matchesAny(caller.services, subject.service) && matchesAny(caller.environments, subject.environment);
}

export function coversEverything({ services, environments }: Caller): boolean {
  return services.includes("*") && environments.includes("*");
}

export function requireCovered(caller: Caller, subject: { service: string; environment: string }): void {
  if (covers(caller, subject)) return;
  const what = `${JSON.stringify(subject.service)} in ${JSON.stringify(subject.environment)}`;
  throw new NotPermitted(`The caller ${caller.name} may not ask about ${what}.`);
}

export function requireDatabase(caller: Caller, database: string): void {
  if (matchesAny(caller.databases, database)) return;
  throw new NotPermitted(`The caller ${caller.name} has nothing to do with the database ${JSON.stringify(database)}.`);
}

/**
 * The request as its caller may make it, with the authenticated requester filled in.
 * @throws NotPermitted: service or environment of somebody else, a claim or the requester that says otherwise.
 */
export function attributed(request: DeployRequest, caller: Caller): DeployRequest {
  requirePermission(caller, ["request"]);
  requireCovered(caller, request);
  for (const [field, claimed] of caller.claims) {
    if (request[field] === claimed) continue;
    const said = request[field] == null ? "does not have one" : `says ${JSON.stringify(request[field])}`;
    throw new NotPermitted(`The token's ${field} is ${JSON.stringify(claimed)}, and the request ${said}.`);
  }
  if (caller.principal === null) return request;
  if (request.requestedBy != null && request.requestedBy !== caller.principal) {
    throw new NotPermitted(
      `The request says requestedBy ${JSON.stringify(request.requestedBy)}, but ${JSON.stringify(caller.principal)} has authenticated. Leave requestedBy out.`,
    );
  }
  return { ...request, requestedBy: caller.principal };
}

function matchesAny(globs: readonly string[], name: string): boolean {
  return globs.some((glob) => globMatches(glob, name));
}

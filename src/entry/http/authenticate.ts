import type { Request } from "express";
import { type Caller, nobody, requirePermission } from "../../app/caller.ts";
import type { GateBase, Route } from "./route.ts";

/**
 * Who asks, before anything of the request is parsed. Throws AuthenticationError, IssuerUnavailable, RateLimited, NotPermitted.
 */
export async function authenticate(
  { authenticator, log }: GateBase,
  { access, path }: Pick<Route, "access" | "path">,
  request: Request,
  body: () => Promise<Uint8Array>,
): Promise<Caller> {
  if (access === "open") return nobody;
  const caller = await authenticator.authenticate({
    headers: (name) => request.headersDistinct[name] ?? [],
    body,
  });
  log.debug({ caller: caller.name, path }, "authenticated");
  requirePermission(caller, access);
  return caller;
}

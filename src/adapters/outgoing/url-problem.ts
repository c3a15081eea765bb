import { isIP } from "node:net";
import { isLoopback } from "../config/loopback.ts";
import { bareHost, isRefusedAddress } from "./addresses.ts";

/**
 * Why the gate must not send anything to this URL, as a clause about it; null: it may. https, or http to this machine. Never a user or
 * password, which proxies log; never a link-local or metadata address.
 */
export function outgoingUrlProblem(text: string, example: string): string | null {
  if (!URL.canParse(text)) return `is not a URL such as "${example}"`;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== "" || password !== "") return "must not hold a user or password";
  const host = bareHost(hostname);
  if (protocol !== "https:" && !(protocol === "http:" && isLoopback(host))) {
    return "must begin with https:// (http:// only to this machine)";
  }
  if (isIP(host) === 0 || !isRefusedAddress(host, host)) return null;
  return "must not be a link-local address or that of a cloud's metadata service";
}

/** The same of a URL to fetch keys from, which holds no secret: it has no query. */
export function keysUrlProblem(text: string, example: string): string | null {
  const problem = outgoingUrlProblem(text, example);
  if (problem !== null) return problem;
  const { search, hash } = new URL(text);
  return search === "" && hash === "" ? null : "must not have a query or a fragment";
}

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

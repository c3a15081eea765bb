import { PlangateError } from "../../core/errors.ts";
import { isLoopback } from "../config/loopback.ts";
import type { Credentials } from "./credentials.ts";

/** `text`: the gate's URL as people give it; `path`: of the API, "/v1/decisions". Throws PlangateError `usage`. */
export function gateUrl(text: string, path: string, credentials: Credentials): URL {
  if (text === "") throw new PlangateError("usage", "Name the gate: --url https://plangate.example.com");
  const wrong = (reason: string) => new PlangateError("usage", `The gate's URL ${reason}.`);
  if (!URL.canParse(text)) throw wrong('is not a URL such as "https://plangate.example.com"');
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw wrong("must begin with https://");
  if (url.username !== "" || url.password !== "") throw wrong("must not hold a user or password");
  if (url.search !== "" || url.hash !== "") throw wrong("must not have a query or a fragment");
  const isLocal = isLoopback(url.hostname.replace(/^\[(.*)\]$/, "$1"));
  const sendsToken = credentials.kind === "token" || credentials.kind === "github-actions";
  if (sendsToken && url.protocol === "http:" && !isLocal) {
    throw wrong("must begin with https://, or whoever listens could use the token");
  }
  url.pathname = `${url.pathname.replace(/\/+$/, "")}${path}`;
  return url;
}

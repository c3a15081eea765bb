import { displayableName } from "../../core/values.ts";
import { ServerError } from "./server-error.ts";

/** A database server as the user names it. The URL may hold a password and is never shown. */
export interface ServerAddress {
  name: string;
  url: string;
  /** "orders-replica-1 (10.0.3.7:5432/orders)": what messages call it. */
  label: string;
}

const allowed =
  "give NAME=postgresql://user@host:port/database, or NAME=env:VARIABLE for a URL that an environment variable holds";

/**
 * `NAME=URL` or `NAME=env:VARIABLE`.
 * @param defaultName makes `NAME=` optional.
 * @throws ServerError (`bad-server-address`); no message repeats the text, which may hold a password.
 */
export function parseServerAddress(text: string, env: NodeJS.ProcessEnv, defaultName?: string): ServerAddress {
  // A URL without a name has ":" before its first "=".
  const [, name = defaultName, target = text] = /^([^=:/?]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw wrong("server", "the name is missing", allowed);
  if (!displayableName.safeParse(name).success) throw wrong("server", "the name holds control characters", allowed);
  const variable = target.startsWith("env:") ? target.slice("env:".length) : null;
  const url = variable === null ? target : env[variable];
  if (url === undefined || url === "") {
    throw wrong(name, `the environment variable ${variable ?? ""} is not set`, "set it to the server's URL");
  }
  return serverAddress(name, url);
}

/** @throws ServerError (`bad-server-address`): not the URL of a PostgreSQL server. */
export function serverAddress(name: string, url: string): ServerAddress {
  return { name, url, label: `${name} (${place(url, name)})` };
}

function place(url: string, name: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !["postgres:", "postgresql:"].includes(parsed.protocol)) {
    throw wrong(name, "this is not the URL of a PostgreSQL server", allowed);
  }
  // What stands where host and database belong would be shown, and may be the rest of a password.
  if (`${parsed.host}${parsed.pathname}${parsed.search}${parsed.hash}`.includes("@") || parsed.hash !== "") {
    throw wrong(
      name,
      "the URL cannot be taken apart",
      "write each of / ? # @ : % in a password as %2F %3F %23 %40 %3A %25",
    );
  }
  const host = parsed.hostname === "" ? (parsed.searchParams.get("host") ?? "localhost") : parsed.hostname;
  return `${host}:${parsed.port || "5432"}${parsed.pathname === "/" ? "" : decodeText(parsed.pathname)}`;
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // As written: it is only shown.
  }
}

function wrong(name: string, problem: string, help: string): ServerError {
  return new ServerError("bad-server-address", name, problem, help);
}

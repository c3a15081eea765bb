import { parseJson } from "../../core/json.ts";
import { send } from "./send.ts";

const timeoutMs = 5_000;
const mostBytes = 1024 * 1024;

/** The JSON at a URL: no redirects, 5 s, 1 MiB. Rejects with what went wrong. */
export async function fetchJson(url: string, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const { status, text } = await send(url, {
    method: "GET",
    headers: { accept: "application/json", ...headers },
    timeoutMs,
    mostBytes,
  });
  if (status !== 200) throw new Error(`the answer has the status ${status}`);
  return parseJson(text, "the answer");
}

import { parseJson } from "../../core/json.ts";
import { limitedText } from "../limited-body.ts";

const timeoutMs = 5_000;
const mostBytes = 1024 * 1024;

/** The JSON at a URL: no redirects, 5 s, 1 MiB. Rejects with what went wrong. */
export async function fetchJson(url: string, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const response = await fetch(url, {
    redirect: "error",
    headers: { accept: "application/json", ...headers },
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`the answer has the status ${response.status}`);
  }
  return parseJson(await limitedText(response, mostBytes), "the answer");
}

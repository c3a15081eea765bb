import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { bareHost, checkHost, guardedLookup } from "./addresses.ts";

export interface OutgoingRequest {
  method: "GET" | "POST";
  headers: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** For everything, from the lookup of the name to the last byte. */
  timeoutMs: number;
  /** Of the answer. */
  mostBytes: number;
}

export interface OutgoingAnswer {
  status: number;
  text: string;
}

/**
 * Sends a request of the gate's own to a configured URL. Redirects are not followed, and no name leads to a link-local, metadata or
 * (unless the URL says so) loopback address: nothing that answers can send the gate anywhere. Rejects with what went wrong; messages do
 * not hold the URL's path, which may be a secret.
 */
export async function send(url: string, request: OutgoingRequest): Promise<OutgoingAnswer> {
  const { method, headers, body, timeoutMs, mostBytes } = request;
  const target = new URL(url);
  checkHost(bareHost(target.hostname));
  const signal = AbortSignal.timeout(timeoutMs);
  const client = target.protocol === "https:" ? https : http;
  // A connection of its own: one that is kept open was looked up by somebody else.
  const outgoing = client.request(target, { method, headers, agent: false, lookup: guardedLookup, signal });
  // What happens to the connection later shows in the answer; without a listener it would end the process.
  outgoing.on("error", () => {});
  outgoing.end(body);
  // The event has one argument.
  const [response] = (await once(outgoing, "response", { signal })) as [IncomingMessage];
  try {
    return { status: response.statusCode ?? 0, text: await textOf(response, mostBytes) };
  } finally {
    outgoing.destroy();
  }
}

async function textOf(response: AsyncIterable<Uint8Array>, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`the answer is larger than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

import { Agent, request as requestOverHttp } from "node:http";
import { request as requestOverHttps } from "node:https";

export interface Load {
  requestsPerSecond: number;
  /** Milliseconds. */
  median: number;
  p99: number;
}

export interface LoadOptions {
  url: string;
  connections: number;
  seconds: number;
  /** One request: its body and headers. */
  next(): { body: Buffer; headers: Record<string, string> };
}

/** Each connection sends its next request as soon as it has its answer. Throws where an answer is not 200. */
export async function load({ url, connections, seconds, next }: LoadOptions): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  const start = performance.now();
  const end = start + seconds * 1000;
  const connection = async () => {
    while (performance.now() < end) {
      const sent = performance.now();
      await send(url, agent, next());
      times.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  const elapsed = performance.now() - start;
  agent.destroy();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { requestsPerSecond: (times.length / elapsed) * 1000, median: at(0.5), p99: at(0.99) };
}

/** Throws where the answer is not 200. */
export function send(url: string, agent: Agent, { body, headers }: ReturnType<LoadOptions["next"]>): Promise<void> {
  const request = url.startsWith("https:") ? requestOverHttps : requestOverHttp;
  return new Promise((done, fail) => {
    const sent = request(
      url,
      { method: "POST", agent, headers: { ...headers, "content-length": body.length } },
      (answer) => {
        answer.on("error", fail);
        answer.resume().on("end", () => {
          if (answer.statusCode === 200) done();
          else fail(new Error(`${url} answered ${answer.statusCode}`));
        });
      },
    );
    sent.on("error", fail);
    sent.end(body);
  });
}

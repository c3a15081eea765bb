import { createServer, type Server, type ServerOptions } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Express } from "express";
import { PlangateError } from "../../core/errors.ts";
import { connectionsOf } from "./connections.ts";

export interface ListeningServer {
  url: string;
  /** Takes no new connection, and waits until every request that was accepted is answered. */
  close(): Promise<void>;
}

/** How much patience the server has. All in milliseconds but `connections`, which are open at most at once. */
export interface ServerLimits {
  /** For the head of a request, also the first after connecting. */
  headers: number;
  /** For a request with its body. */
  request: number;
  /** Between requests. */
  keepAlive: number;
  /** Without a byte in either direction, as where nobody reads the answer. Longer than any decision takes. */
  silence: number;
  /** How often all that is looked at. */
  check: number;
  connections: number;
}

const defaultLimits: ServerLimits = {
  headers: 10_000,
  request: 60_000,
  keepAlive: 5_000,
  silence: 120_000,
  check: 2_000,
  connections: 1024,
};

/** `port` 0: any free one. Throws PlangateError `listen`. */
export async function listen(
  app: Express,
  address: string,
  port: number,
  limits: ServerLimits = defaultLimits,
): Promise<ListeningServer> {
  const server = createServer(serverOptions(limits), app);
  const connections = connectionsOf(server);
  const place = await startListening(server, { address, port }, limits, "Give another --port, or 0 for any free one.");
  return { url: `http://${place}`, close: () => connections.close(0) };
}

export function serverOptions(limits: ServerLimits): ServerOptions {
  return {
    headersTimeout: limits.headers,
    requestTimeout: limits.request,
    keepAliveTimeout: limits.keepAlive,
    connectionsCheckingInterval: limits.check,
    maxHeaderSize: 16 * 1024,
  };
}

/** Gives the host and port, as URLs have them. `remedy`: what to do where another program listens there. Throws PlangateError `listen`. */
export async function startListening(
  server: Server | HttpsServer,
  { address, port }: { address: string; port: number },
  limits: ServerLimits,
  remedy: string,
): Promise<string> {
  server.timeout = limits.silence;
  server.maxConnections = limits.connections;
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const status = error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? "408 Request Timeout" : "400 Bad Request";
    // Whoever does not close its side must not keep the connection.
    const close = () => socket.destroy();
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, close);
    else close();
  });
  await new Promise<void>((done, fail) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === "EADDRINUSE" ? "another program listens there" : (cause.code ?? "unknown error");
      const message = `The gate cannot listen on ${address} port ${port}: ${reason}. ${remedy}`;
      fail(new PlangateError("listen", message, { cause }));
    });
    server.listen(port, address, done);
  });
  // A server that listens on a host and port has an AddressInfo.
  const { port: actual } = server.address() as AddressInfo;
  return `${address.includes(":") ? `[${address}]` : address}:${actual}`;
}

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Express } from "express";
import { PlangateError } from "../../core/errors.ts";

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
  const server = createServer(
    {
      headersTimeout: limits.headers,
      requestTimeout: limits.request,
      keepAliveTimeout: limits.keepAlive,
      connectionsCheckingInterval: limits.check,
      maxHeaderSize: 16 * 1024,
    },
    app,
  );
  server.timeout = limits.silence;
  server.maxConnections = limits.connections;
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const status = error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? "408 Request Timeout" : "400 Bad Request";
    // Whoever does not close its side must not keep the connection.
    const close = () => socket.destroy();
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, close);
    else close();
  });
  await listening(server, address, port);
  // A server that listens on a host and port has an AddressInfo.
  const { port: actual } = server.address() as AddressInfo;
  const host = address.includes(":") ? `[${address}]` : address;
  return { url: `http://${host}:${actual}`, close: () => close(server) };
}

function listening(server: Server, address: string, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === "EADDRINUSE" ? "another program listens there" : (cause.code ?? "unknown error");
      const message = `The gate cannot listen on ${address} port ${port}: ${reason}. Give another --port, or 0 for any free one.`;
      fail(new PlangateError("listen", message, { cause }));
    });
    server.listen(port, address, done);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done());
    server.closeIdleConnections();
  });
}

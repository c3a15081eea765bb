import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Express } from "express";
import { PlangateError } from "../../core/errors.ts";

export interface ListeningServer {
  url: string;
  /** Takes no new connection, and waits until every request that was accepted is answered. */
  close(): Promise<void>;
}

const mostConnections = 1024;

/** `port` 0: any free one. Throws PlangateError `listen`. */
export async function listen(app: Express, address: string, port: number): Promise<ListeningServer> {
  const server = createServer(
    {
      headersTimeout: 10_000,
      requestTimeout: 60_000,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: 2_000,
      maxHeaderSize: 16 * 1024,
    },
    app,
  );
  server.maxConnections = mostConnections;
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
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

import type { Server } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import { Server as TlsServer } from "node:tls";

export interface Connections {
  /** Those that are open now are asked to leave, with their next answer (RFC 9112, section 9.6). */
  leaveAfterNextAnswer(): void;
  /**
   * Asks all to leave, new ones too, and goes on answering until they have or `mostMs` is over. Then takes no new connection, closes those
   * on which nobody waits for an answer, and waits for the others.
   */
  close(mostMs: number): Promise<void>;
}

/** For a request whose connection was made just before the end. */
const firstRequestMs = 500;

/** To be called before the server listens. */
export function connectionsOf(server: Server | HttpsServer): Connections {
  const open = new Set<Socket>();
  const waiting = new Set<Socket>();
  let staying = new WeakSet<Socket>();
  let state: "open" | "draining" | "closing" = "open";
  let onGone = () => {};

  server.on(server instanceof TlsServer ? "secureConnection" : "connection", (socket: Socket) => {
    open.add(socket);
    if (state === "open") staying.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      if (open.size === 0) onGone();
    });
  });
  server.prependListener("request", ({ socket }, response) => {
    if (!staying.has(socket)) response.setHeader("Connection", "close");
    waiting.add(socket);
    response.once("close", () => {
      waiting.delete(socket);
      if (state === "closing") socket.end();
    });
  });

  const allGone = (mostMs: number): Promise<void> => {
    if (open.size === 0 || mostMs === 0) return Promise.resolve();
    return new Promise((done) => {
      const timer = setTimeout(done, mostMs);
      onGone = () => {
        clearTimeout(timer);
        done();
      };
    });
  };
  return {
    leaveAfterNextAnswer() {
      staying = new WeakSet();
    },
    async close(mostMs) {
      state = "draining";
      staying = new WeakSet();
      await allGone(mostMs);
      state = "closing";
      // Node closes those that are idle between requests; one on which nothing was sent yet it would wait for.
      const timer = setInterval(() => {
        for (const socket of open) if (!waiting.has(socket)) socket.destroy();
      }, firstRequestMs);
      await new Promise<void>((done) => server.close(() => done()));
      clearInterval(timer);
    },
  };
}

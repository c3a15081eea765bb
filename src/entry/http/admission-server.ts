import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import type { AdmissionListenConfig } from "../../adapters/config/listen.ts";
import { contextOptions, type TlsMaterial } from "../../adapters/tls/tls-material.ts";
import { type TlsSourceEvent, type TlsState, watchTlsFiles } from "../../adapters/tls/tls-source.ts";
import type { Clock } from "../../app/ports.ts";
import { connectionsOf } from "./connections.ts";
import { type ListeningServer, type ServerLimits, serverOptions, startListening } from "./server.ts";

export interface AdmissionServerOptions {
  /** An express app is one. */
  handler: RequestListener;
  listen: AdmissionListenConfig;
  clock: Clock;
  onEvent(event: AdmissionServerEvent): void;
  limits?: ServerLimits;
  /** Milliseconds, see `close`. */
  drainMs?: number;
}

export type AdmissionServerEvent =
  | TlsSourceEvent
  /** A connection that did not come about. `code`: OpenSSL's or the system's name for the reason. */
  | { kind: "handshake-failed"; code: string };

export interface AdmissionServer extends ListeningServer {
  /** The certificate that new connections get. */
  state(): TlsState;
  /** Reads certificate and keys again even if nothing seems to have changed. Never throws; what happened is an event. */
  reload(): Promise<void>;
  /**
   * Asks clients to leave, with the next answer of each connection, and goes on answering until they have or `drainMs` is over: the API
   * server does not send a review again whose connection was closed under it (kubernetes/kubernetes#127335).
   */
  close(): Promise<void>;
}

/**
 * The API server's idle connections end after 90 s (Go's http.DefaultTransport), and it keeps some in store that it has not used yet. Whoever
 * waits longer never closes a connection at the moment at which a review is sent on it.
 */
const patience = 100_000;
const admissionLimits: ServerLimits = {
  headers: patience,
  request: patience,
  keepAlive: patience,
  silence: patience + 20_000,
  check: 2_000,
  connections: 1024,
};
const handshakeMs = 10_000;
const defaultDrainMs = 5_000;

/**
 * HTTPS. HTTP/1.1 alone: the API server offers webhooks nothing else (kubernetes/kubernetes#75791, so that it spreads its calls over replicas).
 * A new certificate, key or client CA is used for connections from then on; those that are open stay. Where the client CA changed they
 * are closed after their next answer, since their clients were let in by the old one.
 * Throws TlsFilesError, and PlangateError `listen`.
 */
export async function startAdmissionServer(options: AdmissionServerOptions): Promise<AdmissionServer> {
  const { handler, listen, clock, onEvent, limits = admissionLimits, drainMs = defaultDrainMs } = options;
  const { server, use } = newServer(handler, listen, limits);
  const connections = connectionsOf(server);
  server.prependListener("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
    // The declared type is wrong: it is the code of what is wrong with the client's certificate.
    const refused = socket.authorizationError as unknown as string | null;
    const code = refused ?? error.code ?? "unknown";
    // Kubelets and load balancers look whether anybody listens, and hang up without a word.
    if (code !== "ECONNRESET") onEvent({ kind: "handshake-failed", code });
    socket.destroy();
  });
  let clientCa: Buffer | null = null;
  const source = await watchTlsFiles({
    files: listen.tls,
    use(material) {
      use(material);
      if (clientCa !== null && material.clientCa !== null && !clientCa.equals(material.clientCa)) {
        connections.leaveAfterNextAnswer();
      }
      clientCa = material.clientCa;
    },
    clock,
    onEvent,
  });
  try {
    const place = await startListening(server, listen, limits, "Set another port in `listen.admission`.");
    return {
      url: `https://${place}`,
      state: () => source.state(),
      reload: () => source.reload(),
      async close() {
        await source.close();
        await connections.close(drainMs);
      },
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

function newServer(
  handler: RequestListener,
  { tls }: AdmissionListenConfig,
  limits: ServerLimits,
): { server: Server; use(material: TlsMaterial): void } {
  const mutual = tls.clientCaFile !== null;
  const server = createServer(
    {
      ...serverOptions(limits),
      handshakeTimeout: Math.min(handshakeMs, limits.headers),
      requestCert: mutual,
      rejectUnauthorized: mutual,
    },
    handler,
  );
  return { server, use: (material) => server.setSecureContext(contextOptions(material)) };
}

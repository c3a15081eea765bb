import { X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { IncomingMessage, RequestListener } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TlsFiles } from "../../src/adapters/config/listen.ts";
import {
  type AdmissionServer,
  type AdmissionServerEvent,
  type AdmissionServerOptions,
  startAdmissionServer,
} from "../../src/entry/http/admission-server.ts";
import {
  type ApiServerClient,
  apiServerClient,
  type ClientOptions,
  serviceName,
} from "../support/api-server-client.ts";
import { type Authority, type CertificateWish, type Issued, newAuthority } from "../support/certificates.ts";

export interface SecretMount {
  directory: string;
  /** Replaces all files at once, as the kubelet does: a new folder, and then a link that is swapped. */
  replace(files: Record<string, string>): void;
}

/** A folder as Kubernetes mounts a Secret: tls.crt → ..data/tls.crt, ..data → ..2026_… */
export function secretMount(directory: string, files: Record<string, string>): SecretMount {
  let revision = 0;
  const replace = (next: Record<string, string>) => {
    revision += 1;
    const folder = `..2026_11_22_${revision}`;
    mkdirSync(path.join(directory, folder));
    for (const [name, content] of Object.entries(next)) writeFileSync(path.join(directory, folder, name), content);
    symlinkSync(folder, path.join(directory, "..data_tmp"));
    renameSync(path.join(directory, "..data_tmp"), path.join(directory, "..data"));
    rmSync(path.join(directory, `..2026_11_22_${revision - 1}`), { recursive: true, force: true });
  };
  replace(files);
  for (const name of Object.keys(files)) symlinkSync(`..data/${name}`, path.join(directory, name));
  return { directory, replace };
}

export const tlsFiles = (directory: string, mutual = false): TlsFiles => ({
  certFile: path.join(directory, "tls.crt"),
  keyFile: path.join(directory, "tls.key"),
  clientCaFile: mutual ? path.join(directory, "client-ca.crt") : null,
});

/** A certificate for the webhook's service. */
export function serving(authority: Authority, wish: Partial<CertificateWish> = {}): Issued {
  return authority.issue({ name: "plangate", dnsNames: [serviceName], ...wish });
}

export const fingerprint = ({ certificate }: Issued) => new X509Certificate(certificate).fingerprint256;

export function temporaryDirectory(): string {
  return mkdtempSync(path.join(tmpdir(), "plangate-tls-"));
}

export interface World {
  directory: string;
  authority: Authority;
  first: Issued;
  mount: SecretMount;
  server: AdmissionServer;
  events: AdmissionServerEvent[];
  client(options?: Partial<ClientOptions>): ApiServerClient;
  cleanup(): Promise<void>;
}

/** An admission address whose certificate comes from a Secret. `clientCa`: clients need certificates of it. */
export async function startWorld(
  options: Partial<AdmissionServerOptions> & {
    authority?: Authority;
    clientCa?: string;
    wish?: Partial<CertificateWish>;
  } = {},
): Promise<World> {
  const { authority = newAuthority("plangate CA"), clientCa, wish, ...others } = options;
  const directory = temporaryDirectory();
  const first = serving(authority, wish);
  const mount = secretMount(directory, {
    "tls.crt": first.certificate,
    "tls.key": first.key,
    ...(clientCa !== undefined && { "client-ca.crt": clientCa }),
  });
  const events: AdmissionServerEvent[] = [];
  const server = await startAdmissionServer({
    handler: allowing(),
    listen: { address: "127.0.0.1", port: 0, tls: tlsFiles(directory, clientCa !== undefined) },
    clock: { now: () => new Date() },
    onEvent: (event) => events.push(event),
    drainMs: 0,
    ...others,
  });
  const clients: ApiServerClient[] = [];
  return {
    directory,
    authority,
    first,
    mount,
    server,
    events,
    client(changes) {
      const client = apiServerClient({ url: server.url, caBundle: authority.certificate, ...changes });
      clients.push(client);
      return client;
    },
    async cleanup() {
      for (const client of clients) client.close();
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A webhook that allows everything, after what `before` does. */
export function allowing(before: () => Promise<void> = async () => {}): RequestListener {
  const answer: RequestListener = async (request, response) => {
    const { apiVersion, kind, request: review } = JSON.parse(await textOf(request));
    await before();
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ apiVersion, kind, response: { uid: review.uid, allowed: true } }));
  };
  return (request, response) => void Promise.resolve(answer(request, response)).catch(() => response.destroy());
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Waits; the test's own time limit is the only one. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

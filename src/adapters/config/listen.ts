import path from "node:path";
import { z } from "zod";
import type { DocumentPath } from "../../core/policy/yaml-document.ts";
import { isLoopback } from "./loopback.ts";

const port = z.number().int().min(0).max(65_535).describe("TCP port; 0 takes any that is free.");
const address = z.strictObject({
  address: z.string().min(1).default("127.0.0.1").describe("IP address, or `localhost`."),
  port,
});

const tlsFile = (what: string) => z.string().min(1).describe(`${what}, in PEM form, relative to this file.`);

const admissionAddress = z.strictObject({
  address: z.string().min(1).describe('IP address that the API server reaches; "0.0.0.0" or "::" for every one.'),
  port,
  tls: z
    .strictObject({
      cert: tlsFile("File of the certificate, and of those between it and its CA"),
      key: tlsFile("File of the certificate's private key"),
      clientCa: z
        .string()
        .min(1)
        .optional()
        .describe(
          "File of CA certificates, in PEM form, relative to this file: only clients with a certificate of one of them are answered. Absent: any client is.",
        ),
    })
    .describe("Files are read again when they change; no restart is needed."),
});

export const listenSchema = z
  .strictObject({
    api: address.prefault({ port: 8080 }).describe("The HTTP API. Without `callers` on loopback only."),
    metrics: address.optional().describe("Prometheus metrics on an address of their own. Absent: on the API's."),
    admission: admissionAddress
      .optional()
      .describe("The Kubernetes admission webhook, over TLS. Absent: there is none."),
  })
  .prefault({})
  .describe("Where the gate listens.");

export interface ListenAddress {
  address: string;
  port: number;
}

export interface TlsFiles {
  certFile: string;
  keyFile: string;
  /** null: clients need no certificate. */
  clientCaFile: string | null;
}

export interface AdmissionListenConfig extends ListenAddress {
  tls: TlsFiles;
}

export interface ListenConfig {
  api: ListenAddress;
  /** null: on the API's address. */
  metrics: ListenAddress | null;
  /** null: no admission webhook. */
  admission: AdmissionListenConfig | null;
}

/** `authenticated`: callers must say who they are. Admission needs no callers: it demands TLS. */
export function listenOf(
  { api, metrics, admission }: z.output<typeof listenSchema>,
  directory: string,
  authenticated: boolean,
  report: (at: DocumentPath, message: string) => void,
): ListenConfig {
  for (const [key, given] of Object.entries({ api, metrics })) {
    if (given === undefined || authenticated || isLoopback(given.address)) continue;
    const remedy = "use 127.0.0.1, or say in `callers` who may ask";
    report(["listen", key, "address"], `no authentication is configured, so only loopback is allowed; ${remedy}`);
  }
  return {
    api,
    metrics: metrics ?? null,
    admission: admission === undefined ? null : admissionOf(admission, directory),
  };
}

function admissionOf(
  { address, port, tls }: z.output<typeof admissionAddress>,
  directory: string,
): AdmissionListenConfig {
  const absolute = (file: string) => path.resolve(directory, file);
  return {
    address,
    port,
    tls: {
      certFile: absolute(tls.cert),
      keyFile: absolute(tls.key),
      clientCaFile: tls.clientCa === undefined ? null : absolute(tls.clientCa),
    },
  };
}

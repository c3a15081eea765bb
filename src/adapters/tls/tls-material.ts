import { createHash, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { PlangateError } from "../../core/errors.ts";
import type { TlsFiles } from "../config/listen.ts";
import { KeyError, parsePrivateKey } from "../evidence-signature/keys.ts";
import { fileErrorReason } from "../file-error.ts";
import { systemErrorCode } from "../input-files.ts";

/** `unusable-tls-files`: the message names the file, and holds nothing of a key. */
export class TlsFilesError extends PlangateError {
  constructor(file: string, problem: string, options?: { cause?: unknown }) {
    super("unusable-tls-files", `${file}: ${problem}`, options);
  }
}

/** The bytes of the files as they are. */
export interface TlsFileContents {
  cert: Buffer;
  key: Buffer;
  /** null: clients need no certificate. */
  clientCa: Buffer | null;
}

/** A certificate with its key, which belong together. */
export interface TlsMaterial extends TlsFileContents {
  /** SHA-256 of the certificate (DER), as browsers and openssl show it: "AB:CD:…". */
  fingerprint: string;
  notBefore: Date;
  notAfter: Date;
}

/** Throws TlsFilesError. */
export async function readTlsFiles({ certFile, keyFile, clientCaFile }: TlsFiles): Promise<TlsFileContents> {
  const [cert, key, clientCa] = await Promise.all([
    read(certFile),
    read(keyFile),
    clientCaFile === null ? null : read(clientCaFile),
  ]);
  return { cert, key, clientCa };
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const reason = fileErrorReason(cause);
    if (reason === null) throw cause;
    throw new TlsFilesError(file, reason, { cause });
  }
}

/** Tells contents apart without holding the key. */
export function fingerprintOf({ cert, key, clientCa }: TlsFileContents): string {
  return [cert, key, clientCa ?? ""].map((bytes) => createHash("sha256").update(bytes).digest("hex")).join();
}

/** Everything that would make a handshake fail later is found here. An expired certificate is not: it is served, and reported. Throws TlsFilesError. */
export function parseTlsMaterial(contents: TlsFileContents, files: TlsFiles): TlsMaterial {
  const { certFile, keyFile, clientCaFile } = files;
  const [certificate] = certificatesOf(contents.cert, certFile);
  const key = privateKeyOf(contents.key, keyFile);
  if (!certificate.checkPrivateKey(key)) {
    throw new TlsFilesError(keyFile, `is not the key of the (first) certificate in ${certFile}`);
  }
  if (certificate.subjectAltName === undefined) {
    throw new TlsFilesError(certFile, "names no host as subjectAltName, and API servers look at no other name");
  }
  if (contents.clientCa !== null && clientCaFile !== null) certificatesOf(contents.clientCa, clientCaFile);
  try {
    createSecureContext(contextOptions(contents));
  } catch (cause) {
    throw new TlsFilesError(certFile, `cannot be used for TLS with its key (${systemErrorCode(cause)})`, { cause });
  }
  return {
    ...contents,
    fingerprint: certificate.fingerprint256,
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
  };
}

/** TLS 1.2 is the oldest version that Kubernetes' API server speaks, too. */
export function contextOptions({ cert, key, clientCa }: TlsFileContents) {
  return { cert, key, ...(clientCa !== null && { ca: clientCa }), minVersion: "TLSv1.2" } as const;
}

const beginning = "-----BEGIN CERTIFICATE-----";
const block = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function certificatesOf(pem: Buffer, file: string): [X509Certificate, ...X509Certificate[]] {
  const text = pem.toString("latin1");
  const blocks = text.match(block) ?? [];
  const [first, ...others] = blocks.map((found, index) => {
    try {
      return new X509Certificate(found);
    } catch (cause) {
      throw new TlsFilesError(file, `its certificate number ${index + 1} cannot be read`, { cause });
    }
  });
  if (first === undefined) {
    throw new TlsFilesError(file, `must hold at least one certificate in PEM form (${beginning})`);
  }
  if (text.split(beginning).length - 1 !== blocks.length) throw new TlsFilesError(file, "ends within a certificate");
  return [first, ...others];
}

function privateKeyOf(pem: Buffer, file: string): KeyObject {
  try {
    return parsePrivateKey(pem.toString("latin1"));
  } catch (error) {
    if (error instanceof KeyError) throw new TlsFilesError(file, error.message, { cause: error });
    throw error;
  }
}

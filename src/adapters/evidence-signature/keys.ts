import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { z } from "zod";
import { PlangateError } from "../../core/errors.ts";

/** RFC 7518, section 3.1. Asymmetric ones only: who can check a signature must not be able to make one. */
export const signatureAlgorithms = ["ES256", "PS256", "RS256"] as const;
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

/** It is a file's name too, see `plangate evidence keygen`. */
export const keyId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'a key id is 1 to 100 letters, digits, ".", "_" and "-", and begins with a letter or a digit',
  );

/** The public key of a collector. The algorithm is the key's, whatever a signature says. */
export interface EvidenceKey {
  kid: string;
  algorithm: SignatureAlgorithm;
  publicKey: KeyObject;
  /** SHA-256 of the SubjectPublicKeyInfo (DER): "sha256:…". */
  fingerprint: string;
  /** Globs of the servers whose bundles it may sign; null: any. */
  servers: readonly string[] | null;
  /** From then on its signatures do not count; null: until it is removed. */
  notAfter: Date | null;
}

/** By kid. */
export type EvidenceKeys = ReadonlyMap<string, EvidenceKey>;

/** `unusable-key`: the message says what is wrong with a key and what is allowed, and holds nothing of the key. */
export class KeyError extends PlangateError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("unusable-key", message, options);
  }
}

const shortestRsaBits = 2048;

/** One public key in PEM form (SubjectPublicKeyInfo, or PKCS #1). Throws KeyError. */
export function parsePublicKey(pem: string): KeyObject {
  const labels = labelsOf(pem);
  if (labels.some((label) => label.endsWith("PRIVATE KEY"))) {
    throw new KeyError("holds a private key, which belongs to its owner alone; name the file of its public key");
  }
  const [label] = labels;
  if (labels.length !== 1 || (label !== "PUBLIC KEY" && label !== "RSA PUBLIC KEY")) {
    throw new KeyError("must hold exactly one public key in PEM form (-----BEGIN PUBLIC KEY-----)");
  }
  return readKey("public", () => createPublicKey(pem));
}

/** A private key in PEM form (PKCS #8, SEC 1 or PKCS #1) without a passphrase. Throws KeyError. */
export function parsePrivateKey(pem: string): KeyObject {
  const labels = labelsOf(pem);
  if (labels.includes("ENCRYPTED PRIVATE KEY") || /^Proc-Type: *4,ENCRYPTED/m.test(pem)) {
    throw new KeyError(
      "is encrypted; write it without a passphrase where only its owner can read it (openssl pkey -in FILE)",
    );
  }
  if (!labels.some((label) => label.endsWith("PRIVATE KEY"))) {
    throw new KeyError("must hold a private key in PEM form (-----BEGIN PRIVATE KEY-----)");
  }
  return readKey("private", () => createPrivateKey(pem));
}

/** The algorithm of a key's signatures: ES256 for P-256; for RSA the wanted one, or else PS256. Throws KeyError where it cannot have one. */
export function algorithmFor(key: KeyObject, wanted?: SignatureAlgorithm): SignatureAlgorithm {
  const algorithm = wanted ?? (key.asymmetricKeyType === "rsa" ? "PS256" : "ES256");
  requireFit(key, algorithm);
  return algorithm;
}

export function fingerprintOf(publicKey: KeyObject): string {
  const der = publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(der).digest("hex")}`;
}

function requireFit(key: KeyObject, algorithm: SignatureAlgorithm): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (algorithm === "ES256") {
    if (type === "ec" && details?.namedCurve === "prime256v1") return;
    throw new KeyError(`is ${describeKey(key)}; ES256 needs an EC key on the curve P-256`);
  }
  if (type === "rsa" && (details?.modulusLength ?? 0) >= shortestRsaBits) return;
  throw new KeyError(`is ${describeKey(key)}; ${algorithm} needs an RSA key of at least ${shortestRsaBits} bits`);
}

function describeKey({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  if (type === "ec") return `an EC key on the curve ${details?.namedCurve ?? "(unknown)"}`;
  if (type === "rsa") return `an RSA key of ${details?.modulusLength ?? 0} bits`;
  return `a key of the type ${type ?? "(unknown)"}`;
}

/** OpenSSL's reason says nothing that a person can use. */
function readKey(kind: "public" | "private", read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch (error) {
    throw new KeyError(`is not a ${kind} key that can be read`, { cause: error });
  }
}

function labelsOf(pem: string): string[] {
  return [...pem.matchAll(/^-----BEGIN ([A-Z0-9 ]+)-----\r?$/gm)].map(([, label = ""]) => label);
}

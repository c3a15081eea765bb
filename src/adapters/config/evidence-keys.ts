import path from "node:path";
import { z } from "zod";
import { PlangateError } from "../../core/errors.ts";
import type { DocumentPath } from "../../core/policy/yaml-document.ts";
import { displayableName, instant } from "../../core/values.ts";
import {
  algorithmFor,
  type EvidenceKey,
  type EvidenceKeys,
  fingerprintOf,
  keyId,
  parsePublicKey,
  signatureAlgorithms,
} from "../evidence-signature/keys.ts";
import { readFileBytes } from "../file-error.ts";

export const evidenceKeysSchema = z
  .array(
    z.strictObject({
      kid: keyId.describe("Key id: what signatures call the key. Never give it to another key."),
      algorithm: z
        .enum(signatureAlgorithms)
        .describe("ES256 for a P-256 key; PS256 or RS256 for an RSA key of at least 2048 bits."),
      publicKeyFile: z.string().min(1).describe("File of the public key in PEM form, relative to this file."),
      servers: z
        .array(displayableName.min(1).max(200))
        .min(1)
        .optional()
        .describe("Globs of the servers whose bundles the key may sign. Absent: any."),
      notAfter: instant.optional().describe("From this moment on the key's signatures do not count."),
    }),
  )
  .default([])
  .describe("Public keys of evidence collectors. A key is revoked by taking it out.");

export function evidenceKeysOf(
  given: z.output<typeof evidenceKeysSchema>,
  directory: string,
  report: (at: DocumentPath, message: string) => void,
): EvidenceKeys {
  const keys = new Map<string, EvidenceKey>();
  for (const [index, { kid, algorithm, publicKeyFile, servers = null, notAfter = null }] of given.entries()) {
    const at = ["evidence", "keys", index] as const;
    if (keys.has(kid)) {
      report([...at, "kid"], "another key has the same kid");
      continue;
    }
    try {
      const pem = Buffer.from(readFileBytes(path.resolve(directory, publicKeyFile))).toString("utf8");
      const publicKey = parsePublicKey(pem);
      algorithmFor(publicKey, algorithm);
      const fingerprint = fingerprintOf(publicKey);
      const twin = [...keys.values()].find((key) => key.fingerprint === fingerprint);
      if (twin !== undefined) report([...at, "publicKeyFile"], `is the same key as that of ${twin.kid}`);
      keys.set(kid, { kid, algorithm, publicKey, fingerprint, servers, notAfter });
    } catch (error) {
      if (!(error instanceof PlangateError)) throw error;
      report([...at, "publicKeyFile"], `${publicKeyFile}: ${error.message}`);
    }
  }
  return keys;
}

import path from "node:path";
import { z } from "zod";
import type { DocumentPath } from "../../core/policy/yaml-document.ts";
import { duration } from "../../core/values.ts";
import { keyId } from "../evidence-signature/keys.ts";
import type { GateKeyConfig } from "../gate-keys.ts";
import { type MaskablePath, maskablePaths } from "../store/audit-mask.ts";

export const gateKeysSchema = z
  .array(
    z.strictObject({
      kid: keyId.describe("Key id: what signatures call the key. Never give it to another key."),
      privateKeyFile: z
        .string()
        .min(1)
        .optional()
        .describe(
          "File of the private key in PEM form (PKCS #8, SEC 1 or PKCS #1; P-256, or RSA of at least 2048 bits), relative to this file.",
        ),
      publicKeyFile: z
        .string()
        .min(1)
        .optional()
        .describe(
          "In place of `privateKeyFile`, for a key that only verifies: file of its public key in PEM form, relative to this file.",
        ),
    }),
  )
  .default([])
  .describe(
    "Keys of the gate. The first one signs passes and checkpoints; all are published, and passes by any of them count. Absent: a key of its own, made in `gate.dataDir` (keys/gate.private.pem).",
  );

export const auditSchema = z
  .strictObject({
    checkpointEvery: duration
      .prefault("10m")
      .describe(
        "How often the end of the audit chain is signed, if it has moved on: from 1s to 24h. At start and stop too.",
      ),
    checkpointFile: z
      .string()
      .min(1)
      .optional()
      .describe(
        "File that checkpoints are appended to, relative to this file. What it protects begins where the database's administrators cannot write it.",
      ),
    mask: z
      .array(z.enum(maskablePaths))
      .default([])
      .describe(
        "Texts of requests that are not stored, only that they were there. Signed tokens, passwords in URLs and the like never are.",
      ),
  })
  .prefault({})
  .describe("The audit record.");

/** `checkpointFile` is absolute; null: checkpoints are in the gate's database alone. */
export interface AuditConfig {
  checkpointEveryMs: number;
  checkpointFile: string | null;
  /** Texts of requests that are not stored. */
  mask: readonly MaskablePath[];
}

type Report = (at: DocumentPath, message: string) => void;

export function auditOf(
  { checkpointEvery, checkpointFile, mask }: z.output<typeof auditSchema>,
  directory: string,
  report: Report,
): AuditConfig {
  if (checkpointEvery < 1_000 || checkpointEvery > 24 * 3_600_000) {
    report(["audit", "checkpointEvery"], "must be from 1s to 24h");
  }
  return {
    checkpointEveryMs: checkpointEvery,
    checkpointFile: checkpointFile === undefined ? null : path.resolve(directory, checkpointFile),
    mask,
  };
}

export function gateKeysOf(given: z.output<typeof gateKeysSchema>, directory: string, report: Report): GateKeyConfig[] {
  return given.flatMap(({ kid, privateKeyFile, publicKeyFile }, index): GateKeyConfig[] => {
    const at = ["keys", index] as const;
    if (given.findIndex((other) => other.kid === kid) < index) report([...at, "kid"], "another key has the same kid");
    if (privateKeyFile !== undefined && publicKeyFile === undefined) {
      return [{ kid, privateKeyFile: path.resolve(directory, privateKeyFile) }];
    }
    if (publicKeyFile === undefined || privateKeyFile !== undefined) {
      report(at, "set either `privateKeyFile` or `publicKeyFile`");
      return [];
    }
    if (index === 0) report([...at, "publicKeyFile"], "the first key signs: it needs `privateKeyFile`");
    return [{ kid, publicKeyFile: path.resolve(directory, publicKeyFile) }];
  });
}

import type { KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import { z } from "zod";
import { algorithmFor, KeyError, type SignatureAlgorithm } from "../evidence-signature/keys.ts";
import type { GateKey } from "../gate-keys.ts";
import { decodeToken } from "../tokens/parse-token.ts";
import { signatureHolds } from "../tokens/signature.ts";
import { headerSchema } from "../tokens/token-form.ts";
import type { ChainMark } from "./audit-chain.ts";

/** What a gate vouches for: at this moment the chain's last entry had this number and hash. */
export interface Checkpoint {
  gate: string;
  sequence: number;
  /** Hex SHA-256. */
  hash: string;
  at: string;
}

const type = "plangate-checkpoint+jws";

const checkpointHeaderSchema = headerSchema(type);

const checkpointSchema = z.strictObject({
  gate: z.string(),
  sequence: z.number().int().positive(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.iso.datetime(),
});

/** Compact JWS (RFC 7515) over the checkpoint's JSON. */
export function signCheckpoint(checkpoint: Checkpoint, { privateKey, algorithm, kid }: GateKey): string {
  const header = { alg: algorithm, kid, typ: type };
  return jwt.sign(checkpoint, privateKey, { algorithm, header, noTimestamp: true });
}

/** A string: why the token proves nothing, as a clause about "it". */
export function verifyCheckpoint(token: string, keys: readonly KeyObject[]): Checkpoint | string {
  const parts = decodeToken(token);
  if (typeof parts === "string") return parts;
  const header = checkpointHeaderSchema.safeParse(parts.header);
  const checkpoint = checkpointSchema.safeParse(parts.claims);
  if (!header.success || !checkpoint.success) return "it is not a checkpoint of a gate";
  const { alg, kid } = header.data;
  if (keys.some((key) => verifies(token, key, alg))) return checkpoint.data;
  return `it was not signed with a known checkpoint key (it names the key ${kid})`;
}

export function markOf({ gate, sequence, hash, at }: Checkpoint): ChainMark {
  return { sequence, hash, label: `the checkpoint of ${at} by ${gate}` };
}

function verifies(token: string, key: KeyObject, algorithm: SignatureAlgorithm): boolean {
  try {
    // The key must be one for this algorithm: a token that chooses it could choose a weaker one.
    algorithmFor(key, algorithm);
  } catch (error) {
    if (error instanceof KeyError) return false;
    throw error;
  }
  return signatureHolds(token, key, algorithm);
}

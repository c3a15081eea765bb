import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { z } from "zod";

export const tokenAlgorithms = ["RS256", "PS256", "ES256"] as const;
export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

/** A public key by URL. The key says which algorithms its signatures may have, never the token. */
export interface PublishedKey {
  key: KeyObject;
  algorithms: readonly TokenAlgorithm[];
}

const mostKeys = 100;
const shortestRsaBits = 2048;

const keySetSchema = z.object({ keys: z.array(z.unknown()).max(mostKeys) });
const common = {
  kid: z.string().min(1).max(256),
  use: z.literal("sig").optional(),
  key_ops: z
    .array(z.unknown())
    .refine((uses) => uses.includes("verify"))
    .optional(),
  alg: z.string().optional(),
};
const keySchema = z.discriminatedUnion("kty", [
  z.object({ kty: z.literal("RSA"), n: z.string(), e: z.string(), ...common }),
  z.object({ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.string(), y: z.string(), ...common }),
]);

/** JWK Set (RFC 7517, section 5) → keys by kid. Keys of other kinds, and those without a kid, are left out. Throws ZodError. */
export function readKeySet(value: unknown): ReadonlyMap<string, PublishedKey> {
  const keys = new Map<string, PublishedKey>();
  for (const raw of keySetSchema.parse(value).keys) {
    const parsed = keySchema.safeParse(raw);
    if (!parsed.success || keys.has(parsed.data.kid)) continue;
    const usable = usableKey(parsed.data);
    if (usable !== null) keys.set(parsed.data.kid, usable);
  }
  return keys;
}

function usableKey(jwk: z.output<typeof keySchema>): PublishedKey | null {
  const possible: readonly TokenAlgorithm[] = jwk.kty === "RSA" ? ["RS256", "PS256"] : ["ES256"];
  const algorithms = jwk.alg === undefined ? possible : possible.filter((algorithm) => algorithm === jwk.alg);
  const material: JsonWebKey =
    jwk.kty === "RSA" ? { kty: "RSA", n: jwk.n, e: jwk.e } : { kty: "EC", crv: jwk.crv, x: jwk.x, y: jwk.y };
  let key: KeyObject;
  try {
    key = createPublicKey({ key: material, format: "jwk" });
  } catch {
    // One broken key must not take the others away; a token that names it is refused as one of an unknown key.
    return null;
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return algorithms.length === 0 || (jwk.kty === "RSA" && bits < shortestRsaBits) ? null : { key, algorithms };
}

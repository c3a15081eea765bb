import { z } from "zod";
import { signatureAlgorithms } from "../evidence-signature/keys.ts";
import type { PublicGateKey } from "../gate-keys.ts";

const common = { kid: z.string(), use: z.literal("sig"), alg: z.enum(signatureAlgorithms) };
const part = z.string();

/** RFC 7517: public keys, and nothing of a private one. */
export const jwkSetSchema = z.strictObject({
  keys: z.array(
    z.discriminatedUnion("kty", [
      z.strictObject({ ...common, kty: z.literal("EC"), crv: z.literal("P-256"), x: part, y: part }),
      z.strictObject({ ...common, kty: z.literal("RSA"), n: part, e: part }),
    ]),
  ),
});
export type JwkSet = z.output<typeof jwkSetSchema>;

export function jwkSetOf(keys: readonly PublicGateKey[]): JwkSet {
  return jwkSetSchema.parse({
    keys: keys.map(({ kid, algorithm, publicKey }) => ({
      kid,
      use: "sig",
      alg: algorithm,
      ...publicKey.export({ format: "jwk" }),
    })),
  });
}

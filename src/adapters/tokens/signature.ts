import type { KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import type { SignatureAlgorithm } from "../evidence-signature/keys.ts";

/** Is the token signed with this key? The algorithm is the key's, whatever the token says. Its times are looked at elsewhere. */
export function signatureHolds(token: string, publicKey: KeyObject, algorithm: SignatureAlgorithm): boolean {
  try {
    jwt.verify(token, publicKey, { algorithms: [algorithm], ignoreExpiration: true, ignoreNotBefore: true });
    return true;
  } catch {
    // Form and key were checked before; whatever else the library objects to is a signature that does not hold.
    return false;
  }
}

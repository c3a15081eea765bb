import type { KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import { PlangateError } from "../../core/errors.ts";
import type { SignatureAlgorithm } from "../evidence-signature/keys.ts";
import { parseToken } from "./parse-token.ts";
import type { TokenForm } from "./token-form.ts";

export interface SigningKey {
  privateKey: KeyObject;
  algorithm: SignatureAlgorithm;
  kid: string;
}

/** Throws PlangateError `bad-token` where a gate would not take such a token. */
export function signToken<Claims extends object>(form: TokenForm<Claims>, claims: Claims, key: SigningKey): string {
  const { privateKey, algorithm, kid } = key;
  const token = jwt.sign(claims, privateKey, {
    algorithm,
    header: { alg: algorithm, kid, typ: form.typ },
  });
  const parsed = parseToken(token, form);
  if (typeof parsed === "string") throw new PlangateError("bad-token", `The token cannot be signed: ${parsed}.`);
  return token;
}

import type { KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import { PlangateError } from "../../core/errors.ts";
import type { SignatureAlgorithm } from "../evidence-signature/keys.ts";
import { type ClaimsOf, type TokenKind, tokenForms } from "./claims.ts";
import { parseToken } from "./parse-token.ts";

export interface SigningKey {
  privateKey: KeyObject;
  algorithm: SignatureAlgorithm;
  kid: string;
}

/** Throws PlangateError `bad-token` where a gate would not take such a token. */
export function signToken<Kind extends TokenKind>(kind: Kind, claims: ClaimsOf[Kind], key: SigningKey): string {
  const { privateKey, algorithm, kid } = key;
  const token = jwt.sign(claims, privateKey, {
    algorithm,
    header: { alg: algorithm, kid, typ: tokenForms[kind].typ },
  });
  const parsed = parseToken(token, kind);
  if (typeof parsed === "string") throw new PlangateError("bad-token", `The token cannot be signed: ${parsed}.`);
  return token;
}

import type { KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import type { z } from "zod";
import { InputError } from "../../core/errors.ts";
import { signedContent } from "../../core/evidence/bundle.ts";
import { parseJson } from "../../core/json.ts";
import { isBase64url } from "../tokens/parse-token.ts";
import { signatureHolds } from "../tokens/signature.ts";
import { headerSchema, type TokenHeader } from "../tokens/token-form.ts";
import { type EvidenceKey, type SignatureAlgorithm, signatureAlgorithms } from "./keys.ts";

export const evidenceJwsType = "plangate-evidence+jws";

const evidenceHeaderSchema = headerSchema(evidenceJwsType);

/**
 * Detached JWS (RFC 7515, appendix F; compact form "header..signature") over the RFC 8785 form of the bundle's JSON without
 * `signature`.
 */
export function signBundle(raw: unknown, privateKey: KeyObject, algorithm: SignatureAlgorithm, kid: string): string {
  const token = jwt.sign(signedContent(raw), privateKey, {
    algorithm,
    header: { alg: algorithm, kid, typ: evidenceJwsType },
  });
  const [header, , signature] = token.split(".");
  return `${header}..${signature}`;
}

export interface DetachedJws {
  header: TokenHeader;
  encodedHeader: string;
  encodedSignature: string;
}

/** A string: what is wrong with it, as a clause about "its signature". Nothing is verified yet. */
export function parseDetachedJws(text: string): DetachedJws | string {
  const [encodedHeader = "", payload, encodedSignature = "", ...more] = text.split(".");
  if (payload !== "" || more.length > 0 || encodedHeader === "" || encodedSignature === "") {
    return 'is not a detached JWS ("header..signature")';
  }
  if (!isBase64url(encodedHeader) || !isBase64url(encodedSignature)) return "is not base64url";
  let json: unknown;
  try {
    json = parseJson(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(encodedHeader, "base64url")),
      "header",
    );
  } catch (error) {
    if (error instanceof InputError || error instanceof TypeError) return "has a header that is not JSON";
    throw error;
  }
  const header = evidenceHeaderSchema.safeParse(json);
  return header.success ? { header: header.data, encodedHeader, encodedSignature } : `has ${headerFault(header.error)}`;
}

/** The header's algorithm must be the key's: a token that chooses it could choose a weaker one. */
export function verifiesBundle(
  raw: unknown,
  { encodedHeader, encodedSignature }: DetachedJws,
  key: EvidenceKey,
): boolean {
  const payload = Buffer.from(signedContent(raw), "utf8").toString("base64url");
  // A bundle is no JWT: should it ever have an `exp` or `nbf`, those are not claims.
  return signatureHolds(`${encodedHeader}.${payload}.${encodedSignature}`, key.publicKey, key.algorithm);
}

function headerFault({ issues }: z.ZodError): string {
  const [issue] = issues;
  if (issue?.code === "unrecognized_keys")
    return `the header ${issue.keys.map(shown).join(", ")}, which is not allowed`;
  const field = issue?.path[0];
  if (field === "alg") return `an "alg" other than ${signatureAlgorithms.join(", ")}`;
  if (field === "typ") return `a "typ" other than ${evidenceJwsType}`;
  if (field === "kid") return 'a "kid" that is not a key id';
  return "a header that is not a JSON object";
}

function shown(key: string): string {
  return JSON.stringify(key.slice(0, 40));
}

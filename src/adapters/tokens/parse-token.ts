import { isUtf8 } from "node:buffer";
import type { z } from "zod";
import { InputError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import { signatureAlgorithms } from "../evidence-signature/keys.ts";
import { type ClaimsOf, type TokenHeader, type TokenKind, tokenForms } from "./claims.ts";

/** A token of the documented form. Nothing of it is verified yet. */
export interface ParsedToken<Kind extends TokenKind> {
  header: TokenHeader;
  claims: ClaimsOf[Kind];
}

/** Ten times the longest that people sign. */
const longest = 16_384;

/**
 * A compact JWS → header and claims, checked strictly: RFC 7515 leaves open what becomes of duplicate keys, and jsonwebtoken takes any
 * header, any spelling of base64 and any type of claim. A string: what is wrong, as a clause about "it".
 */
export function parseToken<Kind extends TokenKind>(token: string, kind: Kind): ParsedToken<Kind> | string {
  const parts = decodeToken(token);
  if (typeof parts === "string") return parts;
  const form = tokenForms[kind];
  const header = form.header.safeParse(parts.header);
  if (!header.success) return headerFault(header.error, kind);
  const claims = form.claims.safeParse(parts.claims);
  if (!claims.success) return claimsFault(claims.error);
  // The schema of this kind has accepted them.
  return { header: header.data, claims: claims.data as ClaimsOf[Kind] };
}

/** The JSON of header and claims, whatever they say. */
export function decodeToken(token: string): { header: unknown; claims: unknown } | string {
  if (token.length > longest) return `it is longer than ${longest} characters`;
  const [header = "", claims = "", signature = "", ...more] = token.split(".");
  if (more.length > 0 || header === "" || claims === "") return 'it is not a signed token ("header.claims.signature")';
  if (signature === "") return "it has no signature";
  if (![header, claims, signature].every(isBase64url)) return "it is not base64url";
  const headerJson = jsonOf(header);
  if (headerJson === undefined) return "its header is not JSON with each key once";
  const claimsJson = jsonOf(claims);
  if (claimsJson === undefined) return "its claims are not JSON with each key once";
  return { header: headerJson, claims: claimsJson };
}

/** undefined: not UTF-8, not JSON, a key twice. */
function jsonOf(encoded: string): unknown {
  const bytes = Buffer.from(encoded, "base64url");
  if (!isUtf8(bytes)) return undefined;
  try {
    return parseJson(bytes.toString("utf8"), "token");
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/** One spelling for each value: without padding, and without bits that decoders drop (RFC 4648, section 3.5). */
function isBase64url(text: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(text) && Buffer.from(text, "base64url").toString("base64url") === text;
}

function headerFault({ issues }: z.ZodError, kind: TokenKind): string {
  const [issue] = issues;
  const unknown = issues.find(({ code }) => code === "unrecognized_keys");
  const field = issue?.path[0];
  if (field === "typ") return `its "typ" is not ${tokenForms[kind].typ}`;
  if (field === "alg") return `its "alg" is none of ${signatureAlgorithms.join(", ")}`;
  if (field === "kid") return 'its "kid" is not a key id';
  if (unknown?.code === "unrecognized_keys") return `its header has ${listed(unknown.keys)}, which is not allowed`;
  return "its header is not a JSON object";
}

function claimsFault({ issues }: z.ZodError): string {
  const [issue] = issues;
  if (issue?.code === "unrecognized_keys") return `it has ${listed(issue.keys)}, which is no claim of such a token`;
  const [name, position] = issue?.path ?? [];
  if (name === undefined) return "its claims are not a JSON object";
  const claim = `"${String(name)}"`;
  if (name === "rules" && position !== undefined)
    return `${claim} must be rule ids, each written out, without wildcards`;
  return `${claim} ${claimForms.get(String(name)) ?? "is missing or not of its documented form"}`;
}

const date = "must be a number of seconds since 1970";
const claimForms = new Map([
  ["iat", date],
  ["nbf", date],
  ["exp", date],
  ["jti", "must be a text that is used once, of letters, digits and . _ : -"],
  ["req", 'must be a request digest: "sha256:" and 64 hex digits'],
  ["plans", 'must be the digest of the query plans: "sha256:" and 64 hex digits'],
  ["aud", "must be the name of one gate"],
  ["rules", "must be a list of at least one rule id"],
  ["reason", "must say why, in text that is not empty"],
  ["of", "must be query-plans"],
]);

function listed(keys: readonly string[]): string {
  return keys
    .slice(0, 5)
    .map((key) => JSON.stringify(key.slice(0, 40)))
    .join(", ");
}

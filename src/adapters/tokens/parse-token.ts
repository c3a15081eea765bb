import { isUtf8 } from "node:buffer";
import type { z } from "zod";
import { InputError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import { signatureAlgorithms } from "../evidence-signature/keys.ts";
import type { TokenForm, TokenHeader } from "./token-form.ts";

/** A token of the documented form. Nothing of it is verified yet. */
export interface ParsedToken<Claims> {
  header: TokenHeader;
  claims: Claims;
}

/**
 * A compact JWS → header and claims, checked strictly: RFC 7515 leaves open what becomes of duplicate keys, and jsonwebtoken takes any
 * header, any spelling of base64 and any type of claim. A string: what is wrong, as a clause about "it".
 */
export function parseToken<Claims>(token: string, form: TokenForm<Claims>): ParsedToken<Claims> | string {
  const parts = decodeToken(token, form.longest);
  if (typeof parts === "string") return parts;
  const header = form.header.safeParse(parts.header);
  if (!header.success) return headerFault(header.error, form);
  const claims = form.claims.safeParse(parts.claims);
  if (!claims.success) return claimsFault(claims.error, form);
  return { header: header.data, claims: claims.data };
}

/** The JSON of header and claims, whatever they say. `longest`: in characters. */
export function decodeToken(token: string, longest = 16_384): { header: unknown; claims: unknown } | string {
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
export function isBase64url(text: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(text) && Buffer.from(text, "base64url").toString("base64url") === text;
}

function headerFault({ issues }: z.ZodError, { typ }: Pick<TokenForm<unknown>, "typ">): string {
  const [issue] = issues;
  const unknown = issues.find(({ code }) => code === "unrecognized_keys");
  const field = issue?.path[0];
  if (field === "typ") return `its "typ" is not ${typ}`;
  if (field === "alg") return `its "alg" is none of ${signatureAlgorithms.join(", ")}`;
  if (field === "kid") return 'its "kid" is not a key id';
  if (unknown?.code === "unrecognized_keys") return `its header has ${listed(unknown.keys)}, which is not allowed`;
  return "its header is not a JSON object";
}

function claimsFault({ issues }: z.ZodError, { wording }: Pick<TokenForm<unknown>, "wording">): string {
  const [issue] = issues;
  if (issue?.code === "unrecognized_keys") return `it has ${listed(issue.keys)}, which is no claim of such a token`;
  const [name] = issue?.path ?? [];
  if (name === undefined) return "its claims are not a JSON object";
  return `"${String(name)}" ${wording.get(String(name)) ?? "is missing or not of its documented form"}`;
}

function listed(keys: readonly string[]): string {
  return keys
    .slice(0, 5)
    .map((key) => JSON.stringify(key.slice(0, 40)))
    .join(", ");
}

import jwt from "jsonwebtoken";
import { z } from "zod";
import { PlangateError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import { type PublishedKey, type TokenAlgorithm, tokenAlgorithms } from "../key-sets/key-set.ts";
import { AuthenticationError } from "./authentication-error.ts";

const mostCharacters = 16 * 1024;
/** Seconds that the issuer's clock may differ from the gate's. */
const toleranceSeconds = 30;
/** Seconds. Pipelines' tokens live for minutes, at most as long as their job. */
const longestLifetime = 24 * 3600;

export type Claims = ReadonlyMap<string, unknown>;

/** What an ID token says; nothing of it is proven yet. */
export interface UnverifiedToken {
  text: string;
  kid: string;
  algorithm: TokenAlgorithm;
  issuer: string;
  claims: Claims;
}

/** Loose: issuers add fields. A key that the token brings along or points to is refused, and so is what must be understood (`crit`). */
const headerSchema = z.object({
  alg: z.enum(tokenAlgorithms, `its "alg" must be one of ${tokenAlgorithms.join(", ")}`),
  kid: z.string('it has no "kid"').min(1).max(256),
  typ: z
    .string()
    .regex(/^(at\+)?jwt$/i, 'its "typ" must be JWT')
    .optional(),
  crit: z.undefined('"crit" is not allowed').optional(),
  b64: z.undefined('"b64" is not allowed').optional(),
  jwk: z.undefined('"jwk" is not allowed').optional(),
  jku: z.undefined('"jku" is not allowed').optional(),
  x5u: z.undefined('"x5u" is not allowed').optional(),
});

const seconds = (name: string) => z.number(`its "${name}" must be a number of seconds`).nonnegative();
const registeredSchema = z.object({
  iss: z.string('its "iss" must be text'),
  exp: seconds("exp"),
  iat: seconds("iat"),
  nbf: seconds("nbf").optional(),
});

/** An OIDC ID token in compact form. Throws AuthenticationError. */
export function readToken(text: string): UnverifiedToken {
  const [header = "", payload = "", signature = "", ...more] = text.split(".");
  if (text.length > mostCharacters || more.length > 0 || [header, payload, signature].some((part) => part === "")) {
    throw new AuthenticationError("The bearer token is not a signed JWT (three base64url parts).");
  }
  const { alg, kid } = check(headerSchema, decode(header));
  const claims = decode(payload);
  const { iss } = check(registeredSchema, claims);
  return { text, kid, algorithm: alg, issuer: iss, claims: new Map(Object.entries(claims)) };
}

/** The signature by the issuer's key, and the times by the gate's clock. Throws AuthenticationError. */
export function verifyToken(
  { text, algorithm, claims }: UnverifiedToken,
  { key, algorithms }: PublishedKey,
  at: Date,
): void {
  if (!algorithms.includes(algorithm)) {
    throw new AuthenticationError(`The bearer token says ${algorithm}, and its key is for ${algorithms.join(" or ")}.`);
  }
  const clockTimestamp = Math.floor(at.getTime() / 1000);
  try {
    jwt.verify(text, key, { algorithms: [algorithm], clockTimestamp, clockTolerance: toleranceSeconds });
  } catch (cause) {
    throw new AuthenticationError(`The bearer token does not hold: ${reasonOf(cause)}.`, { cause });
  }
  const { exp, iat } = check(registeredSchema, Object.fromEntries(claims));
  if (iat > clockTimestamp + toleranceSeconds) {
    throw new AuthenticationError('The bearer token does not hold: its "iat" is in the future.');
  }
  if (exp - iat > longestLifetime) {
    throw new AuthenticationError("The bearer token does not hold: it is valid for more than 24 hours.");
  }
}

/** The library gives these classes; its message for the rest says nothing more. */
function reasonOf(error: unknown): string {
  if (error instanceof jwt.TokenExpiredError) return "it has expired";
  if (error instanceof jwt.NotBeforeError) return "it is not valid yet";
  return "the signature is not its issuer's";
}

function decode(part: string): object {
  try {
    const bytes = Buffer.from(part, "base64url");
    if (bytes.toString("base64url") !== part) throw new PlangateError("bad-token", "not base64url");
    const value = parseJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), "token");
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
    throw new PlangateError("bad-token", "not a JSON object");
  } catch (cause) {
    if (!(cause instanceof PlangateError) && !(cause instanceof TypeError)) throw cause;
    throw new AuthenticationError("The bearer token is not a JWT: its parts must be JSON objects in base64url.", {
      cause,
    });
  }
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AuthenticationError(`The bearer token is not accepted: ${parsed.error.issues[0]?.message ?? "its form"}.`);
}

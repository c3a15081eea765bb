import { type BoundField, boundFields } from "../../app/caller.ts";
import { displayableName } from "../../core/values.ts";
import { AuthenticationError } from "./authentication-error.ts";
import type { Claims } from "./bearer-token.ts";
import type { OidcConfig } from "./caller-config.ts";

/** Who has started the pipeline: GitHub's `actor`, GitLab's `user_login`; `sub` is in every token. */
const principalClaims = ["actor", "user_login", "sub"];

/** Text, number or boolean → as text ("true"), as GitLab writes booleans; null: anything else. */
function asText(value: unknown): string | null {
  const scalar = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return scalar ? String(value) : null;
}

/** Is the token made for this audience, and for no other, which could send it here? */
export function isFor(audience: string, claims: Claims): boolean {
  const aud = claims.get("aud");
  const [only, ...others] = Array.isArray(aud) ? aud : [aud];
  return only === audience && others.length === 0;
}

/** Does each configured claim have one of its values? Of a list in the token, one element. Nothing is parsed, cut or ignored. */
export function hasClaims(wanted: OidcConfig["claims"], claims: Claims): boolean {
  return [...wanted].every(([name, values]) => {
    const found: unknown = claims.get(name);
    const texts = (Array.isArray(found) ? found : [found]).map(asText);
    return texts.some((text) => text !== null && values.includes(text));
  });
}

/**
 * What the token says about the request. Without configuration the token's `environment`, where it has one, is the request's.
 * Throws AuthenticationError where a configured claim is missing.
 */
export function boundClaims({ body }: OidcConfig, claims: Claims): Map<BoundField, string> {
  const bound = new Map<BoundField, string>();
  for (const field of boundFields) {
    const claim = body.get(field);
    if (claim !== undefined && claim !== false) bound.set(field, requiredClaim(claims, claim));
  }
  const environment = asText(claims.get("environment"));
  if (body.get("environment") === undefined && environment !== null && environment !== "") {
    bound.set("environment", environment);
  }
  return bound;
}

export function principalOf({ body }: OidcConfig, claims: Claims): string {
  const configured = body.get("requestedBy");
  const candidates = typeof configured === "string" ? [configured] : principalClaims;
  const claim = candidates.find((name) => (asText(claims.get(name)) ?? "") !== "") ?? candidates.at(-1) ?? "sub";
  const principal = requiredClaim(claims, claim);
  if (principal.length <= 200 && displayableName.safeParse(principal).success) return principal;
  throw new AuthenticationError(
    `The bearer token's claim ${claim} cannot name who asks: at most 200 printable characters.`,
  );
}

function requiredClaim(claims: Claims, name: string): string {
  const text = asText(claims.get(name));
  if (text !== null && text !== "") return text;
  throw new AuthenticationError(`The bearer token has no claim ${name}, which the gate needs.`);
}

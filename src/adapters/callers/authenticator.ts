import { type Caller, localCaller } from "../../app/caller.ts";
import type { Clock } from "../../app/ports.ts";
import { PlangateError } from "../../core/errors.ts";
import { AuthenticationError } from "./authentication-error.ts";
import { readToken, verifyToken } from "./bearer-token.ts";
import type { CallerConfig } from "./caller-config.ts";
import { boundClaims, hasClaims, isFor, principalOf } from "./claims.ts";
import { type Issuer, openIssuer } from "./issuer.ts";
import { type RateLimiter, rateLimiter } from "./rate-limiter.ts";
import { isSignedWith, readSignedHeaders } from "./standard-webhooks.ts";

/** A request before anything of it is believed. */
export interface Incoming {
  /** All values of a header, by its name in lower case. */
  headers(name: string): readonly string[];
  /** The body's bytes as they were sent; none where there is no body. */
  body(): Promise<Uint8Array>;
}

export interface Authenticator {
  /**
   * Who asks.
   * @throws AuthenticationError (`not-authenticated`), IssuerUnavailable (`issuer-unavailable`), RateLimited (`rate-limited`)
   */
  authenticate(incoming: Incoming): Promise<Caller>;
}

/** `rate-limited`: the caller has used up its requests. */
export class RateLimited extends PlangateError {
  readonly retryAfterSeconds: number;
  constructor(caller: string, retryAfterSeconds: number) {
    super("rate-limited", `The caller ${caller} sends too many requests. Try again in ${retryAfterSeconds} s.`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Bytes that may be hashed to find out who has signed one message. */
const mostHashedBytes = 64 * 1024 * 1024;

/** null: nobody authenticates, anyone who reaches the gate is `local`. */
export function openAuthenticator(callers: readonly CallerConfig[] | null, clock: Clock): Authenticator {
  if (callers === null) return { authenticate: async () => localCaller };
  const issuers = issuersOf(callers, clock);
  const limiters = new Map<string, RateLimiter>();
  for (const { name, rateLimit } of callers) if (rateLimit !== null) limiters.set(name, rateLimiter(rateLimit));
  return {
    async authenticate(incoming) {
      const header = (name: string) => single(incoming, name);
      const named = header("plangate-caller");
      const candidates = named === null ? callers : callers.filter(({ name }) => name === named);
      const authorization = header("authorization");
      const isSigned = ["webhook-id", "webhook-timestamp", "webhook-signature"].some((name) => header(name) !== null);
      if (authorization !== null && isSigned) {
        throw new AuthenticationError("Send a signature or a bearer token, not both.");
      }
      const { config, caller } =
        authorization === null
          ? await bySignature(candidates, incoming, header, clock)
          : await byToken(candidates, authorization, issuers, clock);
      const waitMs = limiters.get(config.name)?.take(clock.now()) ?? 0;
      if (waitMs > 0) throw new RateLimited(config.name, Math.ceil(waitMs / 1000));
      return caller;
    },
  };
}

interface Authenticated {
  config: CallerConfig;
  caller: Caller;
}

async function bySignature(
  callers: readonly CallerConfig[],
  incoming: Incoming,
  header: (name: string) => string | null,
  clock: Clock,
): Promise<Authenticated> {
  if (header("webhook-signature") === null) {
    throw new AuthenticationError(
      "Sign the request (Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature), or send an OIDC token as Authorization: Bearer.",
    );
  }
  const signed = readSignedHeaders(header, clock.now());
  const body = await incoming.body();
  const keys = callers.flatMap((config) =>
    config.proof.kind === "secrets" ? config.proof.keys.map((key) => ({ config, key })) : [],
  );
  if (keys.length * body.length > mostHashedBytes) {
    throw new AuthenticationError(
      "The body is too large to look for the caller. Name it in the header plangate-caller.",
    );
  }
  const found = keys.find(({ key }) => isSignedWith(key, signed, body));
  if (found === undefined) {
    throw new AuthenticationError("The signature is no caller's. It must be over the body's bytes exactly as sent.");
  }
  const { config } = found;
  // Who may vouch for approvals may say on whose behalf it asks; every other signer asks for itself.
  return { config, caller: callerOf(config, config.may.has("vouch-approvals") ? null : config.name, new Map()) };
}

async function byToken(
  callers: readonly CallerConfig[],
  authorization: string,
  issuers: ReadonlyMap<string, Issuer>,
  clock: Clock,
): Promise<Authenticated> {
  const [, text] = /^Bearer +([^ ]+)$/i.exec(authorization) ?? [];
  if (text === undefined) throw new AuthenticationError("Authorization must be: Bearer, one space, an OIDC token.");
  const token = readToken(text);
  const trusting = callers.flatMap((config) =>
    config.proof.kind === "oidc" && config.proof.oidc.issuer === token.issuer
      ? [{ config, oidc: config.proof.oidc }]
      : [],
  );
  if (trusting.length === 0) throw new AuthenticationError("The bearer token's issuer is none that the gate trusts.");
  const key = await issuers.get(token.issuer)?.keyOf(token.kid);
  if (key == null)
    throw new AuthenticationError("The bearer token is signed with a key that its issuer does not have.");
  verifyToken(token, key, clock.now());
  const addressed = trusting.filter(({ oidc }) => isFor(oidc.audience, token.claims));
  if (addressed.length === 0) {
    throw new AuthenticationError(
      "The bearer token is not made for this gate. Ask its issuer for the gate's audience alone.",
    );
  }
  const [match, ...others] = addressed.filter(({ oidc }) => hasClaims(oidc.claims, token.claims));
  if (match === undefined) throw new AuthenticationError("The bearer token's claims are no caller's.");
  if (others.length > 0) {
    throw new AuthenticationError(
      "The bearer token's claims are those of several callers. Name one in the header plangate-caller.",
    );
  }
  const { config, oidc } = match;
  return { config, caller: callerOf(config, principalOf(oidc, token.claims), boundClaims(oidc, token.claims)) };
}

function callerOf(config: CallerConfig, principal: string | null, claims: Caller["claims"]): Caller {
  const { name, may, services, environments, databases } = config;
  return { name, mayVouch: may.has("vouch-approvals"), may, services, environments, databases, principal, claims };
}

/** One reader of keys for each issuer, however many callers trust it. */
function issuersOf(callers: readonly CallerConfig[], clock: Clock): Map<string, Issuer> {
  const issuers = new Map<string, Issuer>();
  for (const { proof } of callers) {
    if (proof.kind !== "oidc" || issuers.has(proof.oidc.issuer)) continue;
    issuers.set(proof.oidc.issuer, openIssuer(proof.oidc.issuer, proof.oidc.jwksUrl, clock));
  }
  return issuers;
}

/** Two values could be read differently by a proxy and by the gate. */
function single(incoming: Incoming, name: string): string | null {
  const [value = null, ...more] = incoming.headers(name);
  if (more.length > 0) throw new AuthenticationError(`The header ${name} is sent twice.`);
  return value;
}

import { z } from "zod";
import type { Clock } from "../../app/ports.ts";
import { fetchJson } from "../outgoing/fetch-json.ts";
import { outgoingUrlProblem } from "../outgoing/url-problem.ts";
import { IssuerUnavailable } from "./authentication-error.ts";
import { type IssuerKey, readKeySet } from "./key-set.ts";

/** Keys that are older are read again, so that one that the issuer has taken back stops to count. */
const freshMs = 10 * 60_000;
/** While the issuer does not answer, keys count that are at most this old. */
const usableMs = 60 * 60_000;
/** Tokens with unknown keys lead to one more reading in this time, however many there are. */
const pauseMs = 30_000;
const retryMs = 5_000;

/** The keys with which an OIDC issuer signs. */
export interface Issuer {
  /** null: the issuer has no such key. Throws IssuerUnavailable where that cannot be found out. */
  keyOf(kid: string): Promise<IssuerKey | null>;
}

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.string() });

/**
 * Keys by OpenID Connect Discovery 1.0, section 4, read when they are first needed. The URL of the keys must be on the issuer's own
 * origin, unless it is configured: what an answer says must not send the gate anywhere.
 */
export function openIssuer(url: string, jwksUrl: string | null, clock: Clock): Issuer {
  let keys: ReadonlyMap<string, IssuerKey> = new Map();
  let readAt: number | null = null;
  let triedAt: number | null = null;
  let failure: unknown = null;
  let running: Promise<void> | null = null;

  const since = (moment: number | null) =>
    moment === null ? Number.POSITIVE_INFINITY : Math.abs(clock.now().getTime() - moment);

  const read = async () => {
    triedAt = clock.now().getTime();
    try {
      keys = readKeySet(await fetchJson(jwksUrl ?? (await discover(url))));
      readAt = clock.now().getTime();
      failure = null;
    } catch (error) {
      failure = error;
    }
  };
  const refresh = () => {
    running ??= read().finally(() => {
      running = null;
    });
    return running;
  };
  const mayTry = () => running !== null || since(triedAt) >= (failure === null ? pauseMs : retryMs);

  return {
    async keyOf(kid) {
      if ((since(readAt) >= freshMs || !keys.has(kid)) && mayTry()) await refresh();
      if (since(readAt) >= usableMs) {
        throw new IssuerUnavailable(`The keys of the issuer ${url} cannot be read, so its tokens cannot be checked.`, {
          cause: failure,
        });
      }
      return keys.get(kid) ?? null;
    },
  };
}

async function discover(url: string): Promise<string> {
  const document = discoverySchema.parse(await fetchJson(`${url.replace(/\/$/, "")}/.well-known/openid-configuration`));
  if (document.issuer !== url) throw new Error("the discovery document names another issuer");
  if (new URL(document.jwks_uri).origin !== new URL(url).origin) {
    throw new Error("the issuer's keys are on another host; name their URL in `oidc.jwksUrl`");
  }
  const problem = outgoingUrlProblem(document.jwks_uri, `${url}/keys`);
  if (problem !== null) throw new Error(`the URL of the issuer's keys ${problem}`);
  return document.jwks_uri;
}

/** Why the URL cannot be one to fetch keys from, as a clause about it; null: it can. */
export function issuerUrlProblem(text: string): string | null {
  const problem = outgoingUrlProblem(text, "https://token.actions.githubusercontent.com");
  if (problem !== null) return problem;
  const { search, hash } = new URL(text);
  return search === "" && hash === "" ? null : "must not have a query or a fragment";
}

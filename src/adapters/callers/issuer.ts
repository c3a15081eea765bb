import { z } from "zod";
import type { Clock } from "../../app/ports.ts";
import type { PublishedKey } from "../key-sets/key-set.ts";
import { KeysUnavailable, openKeySource } from "../key-sets/key-source.ts";
import { fetchJson } from "../outgoing/fetch-json.ts";
import { outgoingUrlProblem } from "../outgoing/url-problem.ts";
import { IssuerUnavailable } from "./authentication-error.ts";

/** The keys with which an OIDC issuer signs. */
export interface Issuer {
  /** null: the issuer has no such key. Throws IssuerUnavailable where that cannot be found out. */
  keyOf(kid: string): Promise<PublishedKey | null>;
}

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.string() });

/**
 * Keys by OpenID Connect Discovery 1.0, section 4, read when they are first needed. The URL of the keys must be on the issuer's own
 * origin, unless it is configured: what an answer says must not send the gate anywhere.
 */
export function openIssuer(url: string, jwksUrl: string | null, clock: Clock): Issuer {
  const source = openKeySource(async () => fetchJson(jwksUrl ?? (await discover(url))), clock);
  return {
    async keyOf(kid) {
      try {
        return await source.keyOf(kid);
      } catch (error) {
        if (!(error instanceof KeysUnavailable)) throw error;
        throw new IssuerUnavailable(`The keys of the issuer ${url} cannot be read, so its tokens cannot be checked.`, {
          cause: error.cause,
        });
      }
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
